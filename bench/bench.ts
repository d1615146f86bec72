import { join } from 'node:path';
import { explain } from '../common/command-line.js';
import { describeMachine } from '../common/machine.js';
import { openFileLimit } from '../common/open-file-limit.js';
import { buildBurstClient } from '../loadtest/burst.js';
import { provideK6, type K6 } from '../loadtest/k6-binary.js';
import { measurePeakRound } from '../loadtest/peak-round.js';
import { ensureTool } from '../stack/install.js';
import { startAlternatives } from './alternatives/start.js';
import { startBaselines } from './baselines/start.js';
import { measureBursts, measureInTurn, measureKept } from './measure.js';
import { checkCapacity } from './measurements/capacity-check.js';
import { measureFirstBurst } from './measurements/first-burst.js';
import { measureMemory } from './measurements/memory.js';
import { summarisePeak } from './measurements/peak.js';
import { measureRedisNoop } from './measurements/redis-noop.js';
import { measureTelemetryShare } from './measurements/telemetry-share.js';
import { measureAlternative, measureDrain, measureThreeReplicas } from './measurements/writing.js';
import type { Plan } from './plan.js';
import type { BenchResult, Measurements } from './results.js';
import type { Subject } from './subject.js';
import { createCampaign } from './system/campaigns.js';
import { prepareReplicas, startReplica, startTracedReplicas, type Replica } from './system/replica.js';
import type { Servers } from './system/servers.js';
import { prepareSystem, type System } from './system/system.js';
import { checkTargets } from './targets.js';

export const PARTS = [
  'kept',
  'burst',
  'first-burst',
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
  /** Ids of subjects; all when absent. */
  readonly only?: readonly string[] | undefined;
}

interface Bench extends BenchOptions {
  readonly servers: Servers;
  readonly system: System;
  readonly durable: Replica;
  readonly subjects: readonly Subject[];
  readonly notes: string[];
}

/** The whole run in its order: start, subjects, what is no subject, targets. */
export async function runBench(servers: Servers, options: BenchOptions): Promise<BenchResult> {
  const { report } = servers;
  ensureTool('wrk', report);
  const bench = await startEverything(servers, options);
  const { plan, parts, only, notes } = bench;
  const subjects = bench.subjects.filter(({ id }) => only?.includes(id) ?? true);
  const kept = parts.includes('kept') ? await measureKept(subjects, plan, report) : null;
  const needsClient = (['burst', 'first-burst', 'capacity'] as const).some((part) => parts.includes(part));
  const client = needsClient ? await findBurstClient(bench) : undefined;
  const bursts =
    client && parts.includes('burst') ? await measureBursts(subjects, plan, client, report) : null;
  const rows = subjects.map(({ id, what, kind }) => ({
    ...{ id, what, kind },
    kept: kept?.get(id),
    burst: bursts?.get(id),
  }));
  const specials = await measureOthers(bench, client);
  return {
    at: new Date().toISOString(),
    form: plan.form,
    environment: { ...(await servers.stack.versions()), ...describeMachine() },
    notes,
    plan,
    targets: checkTargets(rows, specials),
    rows,
    specials,
  };
}

async function startEverything(servers: Servers, options: BenchOptions): Promise<Bench> {
  servers.report('starting what is beside the stack: two replicas, baselines and alternatives');
  const system = await prepareSystem(servers);
  const durable = await startReplica(servers, { name: 'aof', durable: true });
  const bare = await startReplica(servers, { name: 'no-aof', durable: false });
  const baselines = await startBaselines(servers, system.couponId);
  const alternatives = await startAlternatives(servers, system.admin, durable);
  servers.report('preparing campaigns: 1,000 open ones, one with 1,000,000 issued');
  const replicas = await prepareReplicas(durable, bare);
  // Answers whatever it is sent, so it also does for a collector.
  const traced = await startTracedReplicas(servers, findSubject(baselines, 'node-echo').url);
  const subjects = [...baselines, ...alternatives, ...replicas, ...traced, ...system.subjects];
  return { ...options, servers, system, durable, subjects, notes: [] };
}

/** Undefined, with a note in the result, where bursts cannot be made. */
async function findBurstClient({ plan, notes }: Bench): Promise<string | undefined> {
  const client = await buildBurstClient();
  if ('program' in client && openFileLimit() >= plan.burstConnections + 500) return client.program;
  notes.push(
    'missing' in client
      ? client.missing
      : `only ${openFileLimit()} open files allowed (ulimit -n): bursts are left out`,
  );
  return undefined;
}

async function measureOthers(bench: Bench, client: string | undefined): Promise<Measurements> {
  const { servers, plan, durable, parts } = bench;
  const wants = (part: Part) => parts.includes(part);
  return {
    firstBurst: client && wants('first-burst') ? await measureFirstBurst(servers, client, plan) : undefined,
    capacity: client && wants('capacity') ? await measureCapacity(bench, client) : undefined,
    redisNoop: wants('redis') ? await measureRedisNoop(durable) : undefined,
    bytesPerCoupon: wants('memory') ? await measureMemory(durable) : undefined,
    telemetry: wants('telemetry') ? await measureTelemetryShare(servers, plan) : undefined,
    peaks: wants('peak') ? await measurePeaks(bench) : undefined,
    ...(wants('writing') && (await measureWriting(bench))),
  };
}

const findSubject = (subjects: readonly Subject[], id: string): Subject =>
  subjects.find((subject) => subject.id === id)!;

async function measureCapacity({ servers, subjects, plan }: Bench, client: string) {
  servers.report('capacity: bursts of several sizes through the front door');
  return await checkCapacity(findSubject(subjects, 'system'), client, plan.burstRounds);
}

/** The script of the peak through the front door, and against the baseline that answers at once. */
async function measurePeaks({
  servers,
  system,
  subjects,
  plan,
  notes,
}: Bench): Promise<Measurements['peaks']> {
  let k6: K6;
  try {
    k6 = await provideK6({ onProgress: servers.report });
  } catch (error) {
    notes.push(`peaks are left out: ${explain(error)}`);
    return undefined;
  }
  const { peakUsers: users, peakRounds } = plan;
  await system.worker.thaw();
  const rounds = await measureInTurn(
    ['nginx-return', 'system'],
    peakRounds,
    async (where) => {
      const couponId = await createCampaign(system.admin, users);
      const folder = join(servers.folder, 'peak', `${where}-${couponId}`);
      const { url } = findSubject(subjects, where);
      const round = await measurePeakRound({ k6, folder, url, couponId, users });
      if (round.issued < users)
        notes.push(`peak, ${where}: ${round.issued} of ${users} were answered with 200`);
      return round;
    },
    (round) => servers.report(`k6 peaks: round ${round} of ${peakRounds}`),
  );
  await system.worker.freeze();
  return {
    baseline: summarisePeak(rounds.get('nginx-return')!),
    system: summarisePeak(rounds.get('system')!),
  };
}

async function measureWriting({ servers, system, plan }: Bench) {
  servers.report('rows into the database: four ways, and three replicas');
  const { writeSeconds } = plan;
  const writing = {
    create: await measureAlternative(servers, system, 'create', writeSeconds),
    createMany: await measureAlternative(servers, system, 'createMany', writeSeconds),
    driver: await measureAlternative(servers, system, 'driver', writeSeconds),
    worker: await measureDrain(servers, system, plan),
  };
  return { writing, threeReplicasPerSecond: await measureThreeReplicas(servers, system, plan) };
}
