import { run } from '../common/run-command.js';
import type { Stack } from '../stack/types.js';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { readCpu, type CpuByService, type Processes, groupProcesses } from '../common/cpu-time.js';
import { roundTo } from '../common/format.js';
import { projectRoot } from '../common/paths.js';
import { summariseLatency } from '../common/statistics.js';
import { AdminClient, waitUntilDrained } from '../loadtest/admin-client.js';
import type * as stacks from '../stack/open-stack.js';

const HELP = `node dist/bench/side-by-side.js reads|idle CHECKOUT… [--rate N] [--seconds N]
The same load on the stacks of several built checkouts of this project, one after the other, in the order given.
  reads  issuing at N calls/s, alone and beside reads of "my coupons" as fast as 32 connections get answers
  idle   1,000 campaigns that are sold out, and no traffic`;

const CONNECTIONS = 64;
const READERS = 32;
const STOCK = 200_000;
const CAMPAIGNS = 1_000;
const SETTLE_MS = 5_000;

interface Fleet {
  stack: Stack;
  admin: AdminClient;
  pool: Pool;
  processes: Processes;
}

/** What a checkout's own programs run as; ended and its data kept, whatever happens. */
async function withFleet<T>(checkout: string, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const [now, before] = ['open-stack.js', 'index.js'].map((file) => join(checkout, 'dist', 'stack', file));
  // Checkouts from before it had a name of its own.
  const { openStack } = (await import(existsSync(now!) ? now! : before!)) as typeof stacks;
  const env = { NGINX_ISSUE_LIMIT: 'off' };
  const stack = await openStack({ mode: 'native', name: 'side-by-side', env });
  const pool = new Pool(stack.frontUrl, { connections: CONNECTIONS });
  try {
    await stack.up({ api: 2 });
    const processes = groupProcesses(await stack.status());
    return await work({ stack, admin: new AdminClient(stack), pool, processes });
  } finally {
    await pool.destroy();
    await stack.down();
  }
}

async function issue(pool: Pool, couponId: number, user: string): Promise<number> {
  const path = `/api/v1/coupons/call/${couponId}`;
  const { statusCode, body } = await pool.request({ method: 'POST', path, headers: { 'x-user-id': user } });
  await body.dump();
  return statusCode;
}

/** Open model. Latencies in ms, from the moment a call was due; how many answers were not 200; CPU in seconds. */
async function issueSteadily(
  { pool, processes }: Fleet,
  options: { couponId: number; first: number; rate: number; seconds: number },
) {
  const { couponId, first, rate, seconds } = options;
  const before = readCpu(processes);
  const latencies: number[] = [];
  const calls: Promise<void>[] = [];
  let others = 0;
  const startedAt = performance.now();
  for (let sent = 0; sent < rate * seconds;) {
    const due = Math.min(((performance.now() - startedAt) * rate) / 1_000, rate * seconds);
    for (; sent < due; sent += 1) {
      const dueAt = startedAt + (sent * 1_000) / rate;
      const call = issue(pool, couponId, `u${first + sent}`).then((status) => {
        latencies.push(performance.now() - dueAt);
        if (status !== 200) others += 1;
      });
      calls.push(call);
    }
    await sleep(2);
  }
  await Promise.all(calls);
  return { latency: summariseLatency(latencies), others, cpu: difference(before, readCpu(processes)) };
}

async function readMyCoupons(frontUrl: string, users: number, seconds: number) {
  const script = join(projectRoot, 'bench', 'load', 'wrk-my-coupons.lua');
  const args = ['-t1', `-c${READERS}`, `-d${seconds}s`, '--timeout', '20s', '-s', script, frontUrl];
  const env = { PATH: process.env['PATH'] ?? '', BENCH_USERS: String(users) };
  const { stdout } = await run('wrk', args, { env });
  return JSON.parse(/^JSON (.*)$/m.exec(stdout)![1]!) as { requests: number; not2xx: number };
}

const reads = (checkout: string, rate: number, seconds: number) =>
  withFleet(checkout, async (fleet) => {
    const couponId = await fleet.admin.createCampaign('reads', STOCK);
    const users = rate * seconds;
    const { processes } = fleet;
    await issueSteadily(fleet, { couponId, first: 9_000_000, rate, seconds: 3 });
    const alone = await issueSteadily(fleet, { couponId, first: 0, rate, seconds });
    const [beside, read] = await Promise.all([
      issueSteadily(fleet, { couponId, first: users, rate, seconds }),
      readMyCoupons(fleet.stack.frontUrl, 2 * users, seconds),
    ]);
    // Alone: beside the calls batches grow, and a call's share of Redis's CPU falls by more than a read costs.
    const before = readCpu(processes);
    const readAlone = await readMyCoupons(fleet.stack.frontUrl, 2 * users, seconds);
    const used = difference(before, readCpu(processes));
    const perRead = (service: string) => Math.round((used[service]! * 1e6) / readAlone.requests);
    return {
      rate,
      alone,
      beside,
      readsBeside: read,
      readAlone,
      usPerRead: { redis: perRead('redis'), api: perRead('api'), database: perRead('database') },
    };
  });

const idle = (checkout: string, seconds: number) =>
  withFleet(checkout, async ({ admin, pool, processes }) => {
    let made = 0;
    let last = 0;
    const work = async () => {
      while (made++ < CAMPAIGNS) {
        last = await admin.createCampaign('idle', 1);
        if ((await issue(pool, last, 'somebody')) !== 200) throw new Error(`coupon ${last} was not issued`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    await waitUntilDrained(() => admin.statistics(last), 30_000);
    await sleep(SETTLE_MS);
    const before = readCpu(processes);
    await sleep(seconds * 1_000);
    const used = difference(before, readCpu(processes));
    return Object.fromEntries(
      ['worker', 'redis', 'database', 'api'].map((service) => [
        service,
        roundTo(used[service]! / seconds, 3),
      ]),
    );
  });

const difference = (before: CpuByService, after: CpuByService): CpuByService =>
  Object.fromEntries(Object.entries(after).map(([service, at]) => [service, at - (before[service] ?? 0)]));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rate: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '15' } },
});
const [what, ...checkouts] = positionals;
const [rate, seconds] = [Number(values.rate), Number(values.seconds)];
if (!['reads', 'idle'].includes(what ?? '') || checkouts.length === 0 || !(rate > 0 && seconds > 0)) {
  console.error(HELP);
  process.exitCode = 2;
} else {
  for (const checkout of checkouts.map((path) => resolve(path))) {
    const measured = await (what === 'reads' ? reads(checkout, rate, seconds) : idle(checkout, seconds));
    console.log(JSON.stringify({ checkout, ...measured }));
  }
}
