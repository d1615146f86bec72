import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { abortOnSignals, say } from '../common/command-line.js';
import { cpuPerRequest, readCpu, type Processes, groupProcesses } from '../common/cpu-time.js';
import { roundTo } from '../common/format.js';
import { instanceFolder } from '../common/paths.js';
import { AdminClient, waitUntilDrained } from '../loadtest/admin-client.js';
import { measure } from '../loadtest/answers.js';
import { buildBurstClient } from '../loadtest/burst.js';
import { readClientLog } from '../loadtest/client-log.js';
import { runSteadyLoad } from '../loadtest/overload/steady-load.js';
import { withStack } from '../loadtest/with-stack.js';
import type * as stacks from '../stack/open-stack.js';
import type { Stack } from '../stack/types.js';
import { runWrk } from './load/wrk.js';

const INSTANCE = 'side-by-side';
/** Reads are measured, and not how fast nginx refuses them. */
const UNLIMITED = { NGINX_ISSUE_LIMIT: 'off', NGINX_READS_RATE: '1000000r/s', NGINX_READS_BURST: '10000' };
const READERS = 32;
const STOCK = 200_000;
const CAMPAIGNS = 1_000;
const SETTLE_MS = 5_000;

interface Running {
  readonly stack: Stack;
  readonly admin: AdminClient;
  readonly processes: Processes;
  readonly signal: AbortSignal;
  /** Calls a second. */
  readonly rate: number;
  readonly seconds: number;
}

async function openCheckout(checkout: string): Promise<Stack> {
  const [now, before] = ['open-stack.js', 'index.js'].map((file) => join(checkout, 'dist', 'stack', file));
  // Checkouts from before it had a name of its own.
  const { openStack } = (await import(existsSync(now!) ? now! : before!)) as typeof stacks;
  return await openStack({ mode: 'native', name: INSTANCE, env: UNLIMITED });
}

/** Latencies in ms, from the moment a call was due; how many answers were not 200; µs of CPU a call. */
async function issueSteadily(
  { stack, processes, signal, rate }: Running,
  { couponId, prefix, seconds }: { couponId: number; prefix: string; seconds: number },
) {
  const client = await buildBurstClient();
  if ('missing' in client) throw new Error(client.missing);
  mkdirSync(instanceFolder(INSTANCE), { recursive: true });
  const clientLog = join(instanceFolder(INSTANCE), `${prefix}client.log`);
  const before = readCpu(processes);
  await runSteadyLoad({
    ...{ program: client.program, url: stack.frontUrl, couponId, prefix, clientLog, signal },
    steps: [`${rate}x${seconds}`],
    onMark: () => undefined,
  });
  const cpuUs = cpuPerRequest(before, readCpu(processes), rate * seconds);
  const attempts = await readClientLog(clientLog);
  const { latencyMs, answers } = measure(attempts);
  return { latencyMs, others: attempts.length - answers['200'], cpuUs };
}

async function compareReads(running: Running) {
  const { stack, admin, processes, rate, seconds } = running;
  const couponId = await admin.createCampaign('reads', STOCK);
  const users = { BENCH_USERS: rate * seconds };
  const read = () => runWrk('wrk-my-coupons', stack.frontUrl, users, { connections: READERS, seconds });
  await issueSteadily(running, { couponId, prefix: 'warm-up-', seconds: 3 });
  // Of these users the coupons are read.
  const alone = await issueSteadily(running, { couponId, prefix: 'u', seconds });
  const [beside, readsBeside] = await Promise.all([
    issueSteadily(running, { couponId, prefix: 'beside-', seconds }),
    read(),
  ]);
  // Alone: beside the calls batches grow, and a call's share of Redis's CPU falls by more than a read costs.
  const before = readCpu(processes);
  const readAlone = await read();
  const usPerRead = cpuPerRequest(before, readCpu(processes), readAlone.requests);
  return { rate, alone, beside, readsBeside, readAlone, usPerRead };
}

/** Cores that each service uses when there is nothing to do. */
async function measureIdle({ stack, admin, processes, seconds }: Running) {
  let made = 0;
  let last = 0;
  const sellOut = async () => {
    while (made++ < CAMPAIGNS) {
      last = await admin.createCampaign('idle', 1);
      const url = `${stack.frontUrl}/api/v1/coupons/call/${last}`;
      const { status } = await fetch(url, { method: 'POST', headers: { 'x-user-id': 'somebody' } });
      if (status !== 200) throw new Error(`coupon ${last} was not issued: ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, sellOut));
  await waitUntilDrained(() => admin.statistics(last), 30_000);
  await sleep(SETTLE_MS);
  const before = readCpu(processes);
  await sleep(seconds * 1_000);
  const cores = cpuPerRequest(before, readCpu(processes), seconds * 1e6);
  return Object.fromEntries(Object.entries(cores).map(([service, used]) => [service, roundTo(used, 3)]));
}

const WORK = { reads: compareReads, idle: measureIdle };
export type SideBySideWork = keyof typeof WORK;

/** The same load on the stacks of several built checkouts of this project, one after the other, in the order given. */
export async function runSideBySide(
  what: SideBySideWork,
  checkouts: readonly string[],
  { rate, seconds }: { rate: number; seconds: number },
): Promise<void> {
  const signal = abortOnSignals(() => 'the stack goes down');
  for (const checkout of checkouts.map((path) => resolve(path))) {
    const stack = await openCheckout(checkout);
    const measured = await withStack(stack, { api: 2, onProgress: console.error, signal }, async () => {
      const processes = groupProcesses(await stack.status());
      return await WORK[what]({ stack, admin: new AdminClient(stack), processes, signal, rate, seconds });
    });
    say(JSON.stringify({ checkout, ...measured }));
  }
}
