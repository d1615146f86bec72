import { join } from 'node:path';
import { explain } from '../common/command-line.js';
import { describeMachine } from '../common/machine.js';
import { openFileLimit } from '../common/open-file-limit.js';
import { buildBurstClient } from '../loadtest/burst.js';
import { provideK6, type K6 } from '../loadtest/k6-binary.js';
import { ensureTool } from '../stack/install.js';
import {
  pidOf,
  startOthers,
  startReplica,
  startStack,
  type BenchStack,
  type Others,
  type Replica,
} from './lineup.js';
import { runWrk } from './load/wrk.js';
import { measureBursts, measureKept, type RowResult } from './measure.js';
import type { Plan } from './plan.js';
import { type BenchResult } from './results.js';
import { allRows } from './row-list.js';
import type { Row } from './rows.js';
import { checkCapacity } from './specials/capacity-check.js';
import type { Specials } from './specials/index.js';
import { measureMemory } from './specials/memory.js';
import { peakFolder, peakResult, runPeak, type PeakRound } from './specials/peak.js';
import { measureRedisNoop } from './specials/redis-noop.js';
import { readProfile, telemetryShare } from './specials/telemetry-share.js';
import { measureDrain, measureRival, measureThreeReplicas } from './specials/writing.js';
import { createCampaign } from './system/campaigns.js';
import type { Sandbox } from './system/sandbox.js';
import { checkTargets } from './targets.js';

export const PARTS = [
  'kept',
  'burst',
  'capacity',
  'redis',
  'memory',
  'telemetry',
  'peak',
  'writing',
] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  readonly plan: Plan;
  readonly parts: readonly Part[];
  /** Ids of rows; all when absent. */
  readonly only?: readonly string[] | undefined;
}

interface Running {
  readonly sandbox: Sandbox;
  readonly plan: Plan;
  readonly stack: BenchStack;
  readonly others: Others;
  readonly durable: Replica;
  readonly rows: readonly Row[];
  readonly env: Record<string, string>;
  readonly notes: string[];
}

const REPLICAS = 2;

/** The whole run in its order: start, rows, what is no row, targets. Servers are stopped by the sandbox. */
export async function runBench(sandbox: Sandbox, { plan, parts, only }: BenchOptions): Promise<BenchResult> {
  ensureTool('wrk', sandbox.report);
  const running = await startEverything(sandbox, plan, only);
  const { rows, notes } = running;
  const wants = (part: Part) => parts.includes(part);
  const kept = wants('kept') ? await measureKept(rows, plan, sandbox.report) : new Map();
  const client = wants('burst') ? await burstClient(running) : undefined;
  const bursts = client ? await measureBursts(rows, plan, client, sandbox.report) : new Map();
  const results = rows.map(({ id, what, kind }): RowResult => ({
    id,
    what,
    kind,
    ...(kept.has(id) && { kept: kept.get(id) }),
    ...(bursts.has(id) && { burst: bursts.get(id) }),
  }));
  const capacity = client && wants('capacity') ? await capacityChecks(running, client) : undefined;
  const specials = { ...(await measureSpecials(running, wants)), ...(capacity && { capacity }) };
  const versions = await sandbox.stack.versions();
  return {
    at: new Date().toISOString(),
    form: plan.form,
    environment: { ...versions, ...describeMachine() },
    notes,
    plan,
    targets: checkTargets({ rows: results, specials }),
    rows: results,
    specials,
  };
}

async function startEverything(sandbox: Sandbox, plan: Plan, only?: readonly string[]): Promise<Running> {
  sandbox.report('starting servers: the stack, two replicas beside it, floors and rivals');
  const stack = await startStack(sandbox, REPLICAS);
  const { adminToken } = sandbox.stack;
  const databasePort = stack.database.port;
  const durable = await startReplica(sandbox, databasePort, { name: 'aof', durable: true });
  const bare = await startReplica(sandbox, databasePort, { name: 'no-aof', durable: false });
  const others = await startOthers(sandbox, databasePort, durable);
  const replicas = await Promise.all([1, 2].map(async (index) => pidOf(await stack.api(index))));
  sandbox.report('preparing campaigns: 1,000 open ones, one with 1,000,000 issued');
  const all = await allRows({ stack, others, durable, bare, adminToken, replicas });
  const rows = only ? all.filter(({ id }) => only.includes(id)) : all;
  const env = sandbox.appEnvironment(durable.redisService.port, databasePort, {});
  return { sandbox, plan, stack, others, durable, rows, env, notes: [] };
}

/** Undefined, with a note in the result, where bursts cannot be made. */
async function burstClient({ plan, notes }: Running): Promise<string | undefined> {
  const client = await buildBurstClient();
  if ('program' in client && openFileLimit() >= plan.burstConnections + 500) return client.program;
  notes.push(
    'missing' in client
      ? client.missing
      : `only ${openFileLimit()} open files allowed (ulimit -n): bursts are left out`,
  );
  return undefined;
}

async function capacityChecks({ rows, plan, sandbox }: Running, client: string) {
  const row = rows.find(({ id }) => id === 'system');
  if (!row) return undefined;
  sandbox.report('capacity: bursts of several sizes through the front door');
  return await checkCapacity(row, client, plan.burstRounds);
}

async function measureSpecials(running: Running, wants: (part: Part) => boolean): Promise<Specials> {
  const { sandbox, durable } = running;
  const { adminToken } = sandbox.stack;
  const redisNoop = wants('redis') ? await measureRedisNoop(durable) : undefined;
  const bytesPerCoupon = wants('memory') ? await measureMemory(durable, adminToken) : undefined;
  const telemetry = wants('telemetry') ? await profileTelemetry(running) : undefined;
  const peaks = wants('peak') ? await measurePeaks(running) : undefined;
  const writing = wants('writing') ? await measureWriting(running) : {};
  return {
    ...(redisNoop && { redisNoop }),
    ...(bytesPerCoupon !== undefined && { bytesPerCoupon }),
    ...(telemetry !== undefined && { telemetry }),
    ...(peaks && { peaks }),
    ...writing,
  };
}

/** A replica of its own under `--cpu-prof`, which makes it slower: only the shares are used. */
async function profileTelemetry({ sandbox, stack, plan }: Running): Promise<number> {
  const folder = join(sandbox.folder, 'profile');
  const nodeOptions = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  const replica = await startReplica(sandbox, stack.database.port, {
    name: 'profiled',
    durable: true,
    nodeOptions,
  });
  const asked = { firstUser: 10_000_000, users: 50_000_000, firstCoupon: replica.couponId, coupons: 1 };
  await runWrk(replica.url, asked, { connections: plan.connections, seconds: plan.fillSeconds });
  await sandbox.stop(replica.service);
  replica.redis.disconnect();
  await sandbox.stop(replica.redisService);
  return telemetryShare(readProfile(folder));
}

async function measurePeaks({ sandbox, stack, others, plan, notes }: Running): Promise<Specials['peaks']> {
  let k6: K6;
  try {
    k6 = await provideK6({ onProgress: sandbox.report });
  } catch (error) {
    notes.push(`peaks are left out: ${explain(error)}`);
    return undefined;
  }
  const rounds: { floor: PeakRound[]; system: PeakRound[] } = { floor: [], system: [] };
  await stack.worker.thaw();
  for (let round = 1; round <= plan.peakRounds; round += 1) {
    const couponId = await createCampaign(stack.firstReplicaUrl, sandbox.stack.adminToken, plan.peakUsers);
    const run = (what: string, url: string, id: number) =>
      runPeak(k6, peakFolder(sandbox.folder, what, round), url, id, plan.peakUsers);
    rounds.floor.push(await run('floor', others.nginx.returnUrl, 1));
    rounds.system.push(await run('system', stack.frontUrl, couponId));
    sandbox.report(`k6 peaks: round ${round} of ${plan.peakRounds}`);
  }
  await stack.worker.freeze();
  return { floor: peakResult(rounds.floor), system: peakResult(rounds.system) };
}

async function measureWriting({ sandbox, stack, plan, env }: Running) {
  const { adminToken } = sandbox.stack;
  const rival = (how: 'create' | 'createMany' | 'driver') =>
    measureRival(stack, adminToken, env, how, plan.writeSeconds);
  sandbox.report('rows into the database: four ways, and three replicas');
  const create = await rival('create');
  const createMany = await rival('createMany');
  const driver = await rival('driver');
  const worker = await measureDrain(stack, adminToken, plan);
  await sandbox.stack.scale(3);
  const threeReplicasPerSecond = await measureThreeReplicas(stack, adminToken, plan);
  return { writing: { create, createMany, driver, worker }, threeReplicasPerSecond };
}
