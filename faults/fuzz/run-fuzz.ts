import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../common/wait-until.js';
import { AdminClient } from '../../loadtest/admin-client.js';
import { readFacts } from '../../loadtest/facts.js';
import { requireMode, type Stack } from '../../stack/types.js';
import { sampleProcesses, type ProcessSample } from '../process-watch.js';
import type { Random } from '../../common/random.js';
import { makeCase, type FuzzTarget } from './cases.js';
import { sendRaw, type RawCase } from './raw-request.js';

const CONCURRENCY = 48;
/** Memory and connections are compared from here on: pools are filled and code is compiled. */
const WARM_UP_SHARE = 0.25;
const SLOW_CLIENTS = 150;
/** headersTimeout of the replica is 10 s and it looks every 30 s; nginx gives up after 10 s. */
const SLOW_GONE_WITHIN_MS = 60_000;
const SETTLE_WITHIN_MS = 20_000;
const RSS_GROWTH_MOST = 0.4;
const RSS_GROWTH_FREE_MIB = 40;
const SOCKETS_GROWTH_MOST = CONCURRENCY * 2;
const EXAMPLES_MOST = 8;

export interface FuzzResult {
  seed: number;
  requests: number;
  /** By door, then by status; `none`: the connection ended without an answer. */
  answers: Record<string, Record<string, number>>;
  before: ProcessSample[];
  after: ProcessSample[];
  slowClientsClosedAfterMs: number;
  /** What is off, in words. */
  faults: string[];
}

interface SlowClient {
  socket: Socket;
  openedMs: number;
  closedMs: number | null;
}

interface Door {
  name: string;
  port: number;
}

const describe = ({ kind, chunks }: RawCase): string =>
  `${kind}: ${JSON.stringify(
    Buffer.concat(chunks)
      .toString('latin1')
      .slice(0, 160)
      .replaceAll(/Bearer \w+/g, 'Bearer …'),
  )}`;

class Fuzz {
  readonly answers: Record<string, Record<string, number>> = {};
  readonly faults: string[] = [];
  #sent = 0;

  constructor(
    private readonly random: Random,
    private readonly doors: readonly Door[],
    private readonly target: FuzzTarget,
  ) {}

  async send(until: number): Promise<void> {
    const one = async () => {
      while (this.#sent < until) {
        this.#sent += 1;
        await this.#sendOne();
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, one));
  }

  async #sendOne(): Promise<void> {
    const request = makeCase(this.random, this.target);
    const door = this.random.pick(this.doors);
    const { statuses, hung } = await sendRaw(door.port, request);
    const counts = (this.answers[door.name] ??= {});
    for (const status of statuses.length > 0 ? statuses : ['none'])
      counts[status] = (counts[status] ?? 0) + 1;
    const bad = statuses.find((status) => status >= 500 && status !== 503);
    if (bad) this.#complain(`${door.name} answered ${bad} to ${describe(request)}`);
    if (hung) this.#complain(`${door.name} neither answered nor closed after ${describe(request)}`);
    const accepted = statuses.find((status) => status >= 200 && status < 300);
    if (accepted && request.mustRefuse)
      this.#complain(`${door.name} answered ${accepted} to ${describe(request)}`);
  }

  #complain(sentence: string): void {
    if (this.faults.length < EXAMPLES_MOST) this.faults.push(sentence);
  }
}

/** Clients that begin a request and never end it: their connections must be closed by the other side. */
async function openSlowClients(doors: readonly Door[], couponId: number): Promise<SlowClient[]> {
  const begin = `POST /api/v1/coupons/call/${couponId} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-USER-ID: slow`;
  const clients = Array.from({ length: SLOW_CLIENTS }, (_, i) => {
    const socket = connect({ port: doors[i % doors.length]!.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(begin);
    const client: SlowClient = { socket, openedMs: Date.now(), closedMs: null };
    socket.once('close', () => (client.closedMs = Date.now()));
    return client;
  });
  await waitUntil(() => clients.every(({ socket }) => !socket.connecting), {
    what: 'slow clients',
    timeoutMs: 10_000,
  });
  return clients;
}

export interface FuzzOptions {
  stack: Stack;
  random: Random;
  requests: number;
  print: (line: string) => void;
}

/** Hostile input at a replica, at the public door and at the operators' door of a native stack that is up. */
export async function runFuzz({ stack, random, requests, print }: FuzzOptions): Promise<FuzzResult> {
  const admin = new AdminClient(stack);
  const couponId = await admin.createCampaign('fuzz', 100);
  const doors = await listDoors(stack);
  const written = await countWritten(stack, couponId);
  const fuzz = new Fuzz(random, doors, { couponId, adminToken: stack.adminToken });
  await fuzz.send(Math.round(requests * WARM_UP_SHARE));
  const before = await sampleProcesses(stack);
  print(`warm after ${Math.round(requests * WARM_UP_SHARE)} requests`);
  const slow = await openSlowClients(doors, couponId);
  await fuzz.send(requests);
  print(`${requests} requests sent`);
  const faults = [...fuzz.faults];
  const closed = () => slow.every(({ closedMs }) => closedMs !== null);
  await waitUntil(closed, { what: 'slow clients are cut off', timeoutMs: SLOW_GONE_WITHIN_MS }).catch(() => {
    faults.push(
      `${slow.filter(({ closedMs }) => closedMs === null).length} clients that never finish are still connected`,
    );
  });
  const slowClientsClosedAfterMs = Math.max(
    ...slow.map(({ openedMs, closedMs }) => (closedMs ?? Date.now()) - openedMs),
  );
  for (const { socket } of slow) socket.destroy();
  const after = await waitUntilBack(stack, before);
  faults.push(...compare(before, after));
  const writtenNow = await countWritten(stack, couponId);
  if (writtenNow !== written) faults.push(`something was written: ${written} before, ${writtenNow} after`);
  for (const { service, state } of await stack.status())
    if (state !== 'ready') faults.push(`${service} is ${state}`);
  return {
    seed: random.seed,
    requests,
    answers: fuzz.answers,
    before,
    after,
    slowClientsClosedAfterMs,
    faults,
  };
}

async function listDoors(stack: Stack): Promise<Door[]> {
  const replica = await requireMode(stack, 'native').service('api-1');
  return [
    { name: 'replica', port: replica.port },
    { name: 'front door', port: Number(new URL(stack.frontUrl).port) },
    { name: 'ops door', port: Number(new URL(stack.opsUrl).port) },
  ];
}

/** Holdings of the open coupon, entries under way, and how many campaigns there are. */
async function countWritten(stack: Stack, couponId: number): Promise<string> {
  const { issued, total, redis, mysql, streamEntries, deadLetters } = await readFacts(stack, couponId);
  const campaigns = await countCampaigns(stack, couponId);
  const holdings = { issued, redis: redis.length, mysql: mysql.length };
  return JSON.stringify({ total, ...holdings, streamEntries, deadLetters, campaigns });
}

async function countCampaigns({ opsUrl, adminToken }: Stack, afterId: number): Promise<number> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const response = await fetch(`${opsUrl}/api/v1/admin/coupons?after=${afterId}&limit=100`, { headers });
  return ((await response.json()) as { campaigns: unknown[] }).campaigns.length;
}

/** Connections of clients that left are closed within moments; then what stays is what leaked. */
async function waitUntilBack(stack: Stack, before: readonly ProcessSample[]): Promise<ProcessSample[]> {
  const deadline = Date.now() + SETTLE_WITHIN_MS;
  for (;;) {
    const now = await sampleProcesses(stack);
    if (compare(before, now).length === 0 || Date.now() > deadline) return now;
    await sleep(500);
  }
}

function compare(before: readonly ProcessSample[], after: readonly ProcessSample[]): string[] {
  const faults: string[] = [];
  for (const was of before) {
    const is = after.find(({ service, pid }) => service === was.service && pid === was.pid);
    if (!is) faults.push(`${was.service} (process ${was.pid}) is gone`);
    else if (is.rssMiB > was.rssMiB * (1 + RSS_GROWTH_MOST) + RSS_GROWTH_FREE_MIB) {
      faults.push(`${was.service} grew from ${was.rssMiB} to ${is.rssMiB} MiB`);
    } else if (is.sockets > was.sockets + SOCKETS_GROWTH_MOST) {
      faults.push(`${was.service} had ${was.sockets} sockets and has ${is.sockets}`);
    }
  }
  return faults;
}
