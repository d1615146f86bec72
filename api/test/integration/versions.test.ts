import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { NO_REPLICAS } from '../../src/redis/confirm-replicas.js';
import { metaKey, toPartition, streamKey, undrainedKey, winnersKey } from '../../src/redis/keys.js';
import { RedisGate } from '../../src/redis/redis-gate.js';
import { Drainer } from '../../src/worker/drainer.js';
import type { StreamEntry } from '../../src/redis/entry-streams.js';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.js';
import { issue } from '../support/calls.js';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';
import { startEnvironmentReplica } from '../support/environment-replica.js';

const OLD_SCRIPT = readFileSync(
  new URL('../support/fixtures/issue-coupons-v1-3.lua', import.meta.url),
  'utf8',
);
const logger = pino({ level: 'silent' });

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

const makeAttempts = (userIds: readonly string[]) =>
  userIds.map((userId) => ({ userId, fingerprint: `key-of-${userId}` }));

/** By the script of the release before: entries of version 1. Returns the answers. */
async function issueByOldScript(userIds: readonly string[]): Promise<unknown[]> {
  const keys = [metaKey(1), winnersKey(1), streamKey(toPartition(1))];
  const pairs = makeAttempts(userIds).flatMap(({ userId, fingerprint }) => [userId, fingerprint]);
  const reply = (await environment.redis.eval(OLD_SCRIPT, 3, ...keys, 1, 100_000, 0, ...pairs)) as unknown[];
  expect(reply[0]).toBe(2);
  return reply.slice(2);
}

const newGate = () =>
  new RedisGate(environment.redis, { backlogMaxCoupons: 100_000, ...NO_REPLICAS }, logger, () =>
    Promise.resolve(false),
  );

async function issueByNewScript(userIds: readonly string[]): Promise<void> {
  const outcomes = await newGate().issue(1, makeAttempts(userIds));
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['issued']));
}

const undrained = () => environment.redis.hgetall(undrainedKey(toPartition(1)));

/** A worker that takes every version for one higher than it is: to it, today's entries are those of a later release. */
async function startOldWorker() {
  const streams = await environment.createStreams('old');
  const lookLater = (entry: StreamEntry): StreamEntry => ({
    ...entry,
    fields: entry.fields.map((value, i) => (entry.fields[i - 1] === 'v' ? String(Number(value) + 1) : value)),
  });
  const readNew = streams.readNew.bind(streams);
  const claim = streams.claim.bind(streams);
  streams.readNew = async (...args) => (await readNew(...args)).map(lookLater);
  streams.claim = async (...args) => (await claim(...args)).map(lookLater);
  const metrics = createWorkerMetrics(environment.redis, environment.letters);
  const lease = await environment.lease('old');
  const { issued: store, letters } = environment;
  const worker = new Drainer(
    { streams, store, letters, currentLease: () => lease, logger, metrics },
    { rowsMax: 500, blockMs: 50, claimIdleMs: 60_000, maxDeliveries: 3 },
  );
  worker.start();
  const countSetAside = async () => (await metrics.setAside.get()).values[0]?.value ?? 0;
  return { worker, countSetAside };
}

describe('entries of the stream', () => {
  test('of version 1 and of version 2 are both written', async () => {
    await environment.openGates([1]);
    await issueByOldScript(users(1, 5));
    await issueByNewScript(users(6, 10));
    const versions = (await environment.redis.xrange(streamKey(1), '-', '+')).map(([, fields]) => fields[0]);
    expect(versions).toEqual(['c', 'v']);
    await environment.startDrainer();
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 10));
    expect(await undrained()).toEqual({});
  });

  test('of a later version are set aside once and hold nobody up, and a worker that knows them writes them', async () => {
    await environment.openGates([1]);
    await issueByOldScript(users(1, 5));
    await issueByNewScript(users(6, 10));
    await issueByOldScript(users(11, 15));
    const { worker, countSetAside } = await startOldWorker();
    await until('the others are written', async () => (await environment.ranks(1)).length === 10);
    await until('it is set aside', async () => (await environment.pending(1))[0]?.[1] === 'newer-version');
    // Read after it was set aside: had it come round again, it would have been before these.
    await issueByOldScript(users(16, 20));
    await until('the next are written', async () => (await environment.ranks(1)).length === 15);
    await until('and settled', async () => (await environment.redis.xlen(streamKey(1))) === 1);
    expect(await countSetAside()).toBe(1);
    expect(await environment.pending(1)).toEqual([
      [expect.any(String), 'newer-version', expect.any(Number), 0],
    ]);
    expect(await environment.ranks(1)).toEqual([...range(1, 5), ...range(11, 20)]);
    expect(await environment.deadLetters()).toEqual([]);
    expect(await undrained()).toEqual({ 1: '5', '*': '5' });
    await worker.stop();

    await environment.startDrainer('new', { claimIdleMs: 200 });
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 20));
    expect(await undrained()).toEqual({});
    expect(await environment.deadLetters()).toEqual([]);
  });

  test('of a version that nobody here knows stay in the stream, however often they are taken over', async () => {
    await environment.addRaw(1, ['v', 3, 'something', 'else']);
    const { metrics } = await environment.startDrainer('worker-1', { claimIdleMs: 100, maxDeliveries: 3 });
    await until('it was taken over more often than a bad entry would be', async () => {
      return ((await metrics.setAside.get()).values[0]?.value ?? 0) > 4;
    });
    expect(await environment.redis.xlen(streamKey(1))).toBe(1);
    expect(await environment.deadLetters()).toEqual([]);
  });
});

describe('an upgrade under traffic', () => {
  test('with scripts of both releases on one stream, everybody has one coupon, each row is there once, and nothing is left to count', async () => {
    await environment.openGates([1]);
    await environment.startDrainer();
    const BATCHES = 60;
    // Each batch has users whom the other release has too.
    const batch = (i: number) => users(i * 10 + 1, i * 10 + 20);
    const gate = newGate();
    const ranks = new Map<string, Set<number>>();
    const note = (userId: string, rank: number) =>
      ranks.set(userId, (ranks.get(userId) ?? new Set<number>()).add(rank));
    const byOld = async (i: number) => {
      const answers = await issueByOldScript(batch(i));
      for (const [n, user] of batch(i).entries()) note(user, parseInt(String(answers[n]), 10));
    };
    const byNew = async (i: number) => {
      const outcomes = await gate.issue(1, makeAttempts(batch(i)));
      for (const [n, user] of batch(i).entries()) {
        const outcome = outcomes[n]!;
        if (!('rank' in outcome)) throw new Error(`not issued: ${outcome.kind}`);
        note(user, outcome.rank);
      }
    };
    // In both orders: each user is sometimes the one's first, sometimes the other's.
    const calls = range(0, BATCHES - 1).map((i) =>
      (i % 2 === 0 ? [byOld, byNew] : [byNew, byOld]).map((by) => by(i)),
    );
    await Promise.all(calls.flat());
    const last = BATCHES * 10 + 10;
    await until('every row is there', async () => (await environment.ranks(1)).length === last);
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, last));
    const rows = await environment.prisma.issuedCoupon.findMany();
    const told = [...ranks].map(([userId, ofUser]) => [userId, ...ofUser]);
    expect(rows.map(({ userId, rank }) => [userId, rank]).toSorted()).toEqual(told.toSorted());
    expect(await undrained()).toEqual({});
    expect(await environment.deadLetters()).toEqual([]);
  });
});

describe('a winner record of a later version', () => {
  test('is not misread: its user gets 503 and no second coupon, others are served', async () => {
    await environment.openGates([1]);
    const replica = await startEnvironmentReplica(environment);
    try {
      await issue(replica.url, 1, 'user-1');
      await environment.redis.hset(winnersKey(1), 'user-1', 'b 1 1700000000000 key');
      const refused = await issue(replica.url, 1, 'user-1');
      expect([refused.status, refused.body['rank']]).toEqual([503, undefined]);
      const other = await issue(replica.url, 1, 'user-2');
      expect([other.status, other.body['rank']]).toEqual([200, 2]);
    } finally {
      await replica.close();
    }
  });
});
