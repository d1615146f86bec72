import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cpuPerRequest, readCpu, type CpuByService, groupProcesses } from '../../common/cpu-time.js';
import { roundTo } from '../../common/format.js';
import { readLoadAverage } from '../../common/machine.js';
import { instanceFolder, resultsFolder } from '../../common/paths.js';
import type { Stack } from '../../stack/types.js';
import { AdminClient, waitUntilDrained } from '../admin-client.js';
import { audit, FAULTS, type Audit } from '../audit.js';
import { readClientLog, type Attempt } from '../client-log.js';
import { ReplicaCaps } from '../replica-caps.js';
import { auditFaults } from '../describe-run.js';
import { readFacts } from '../facts.js';
import { describeEnvironment } from '../result.js';
import { readPasses, type Passes } from './access-log.js';
import { missedGoals } from './goals.js';
import { runSteadyLoad, type Mark } from './steady-load.js';
import { goodputOf, goodputRatio, measureStep, recoveryMs, type StepResult, type Window } from './steps.js';

export const INSTANCE = 'overload';

/** Factors of the measured capacity, and for how long. */
const STEPS = [
  { factor: 0.5, seconds: 8 },
  { factor: 1, seconds: 10 },
  { factor: 2, seconds: 12 },
  { factor: 5, seconds: 12 },
  { factor: 10, seconds: 12 },
  { factor: 0.5, seconds: 10 },
] as const;
/** As many connections as the next phase has, so that nginx keeps enough to the replicas: a capped one accepts slowly. */
const WARM_UP = ['c64x8', 'c224x5'];
/** Connections of the closed model that finds the capacity, fewer than two replicas' bound; the first seconds do not count. */
const CAPACITY = ['c192x6', 'c192x10'];
/** More than can be issued. */
const STOCK = 1_000_000;
const DRAIN_TIMEOUT_MS = 60_000;
/** Twice what is usual is still normal, and so are a few milliseconds more of very few. */
const normalMs = (usualP95Ms: number | null): number => Math.max(50, 2 * (usualP95Ms ?? 0));

export interface OverloadOptions {
  stack: Stack;
  replicas: number;
  /** loadtest/burst, built. */
  generator: string;
  /** CPUs of each replica, so that generator and nginx have room at ten times the capacity; 0: no cap. */
  apiCpus: number;
  say: (line: string) => void;
  signal: AbortSignal;
}

export interface OverloadResult {
  at: string;
  replicas: number;
  apiCpus: number;
  capacity: number;
  steps: (StepResult & { cpu: CpuByService; generatorBehindMs: number; connections: number })[];
  goodputRatio: number;
  recoveryMs: number | null;
  audit: Audit;
  passes: Passes;
  loadBefore: number;
  environment: ReturnType<typeof describeEnvironment>;
  faults: string[];
}

/** On a stack that is up: warm-up, capacity, the steps, drain, audit. Rejects when the run was not possible. */
export async function runOverload(options: OverloadOptions): Promise<OverloadResult> {
  const { stack, say } = options;
  const caps = new ReplicaCaps(stack, INSTANCE);
  const loadBefore = readLoadAverage();
  say('Warm-up without a cap');
  const admin = new AdminClient(stack);
  await admin.closeAllCampaigns();
  // All of them now: under the cap a first admin call takes longer than its limit.
  const [warm, first, second] = [
    await admin.createCampaign('overload: warm-up', STOCK),
    await admin.createCampaign('overload: capacity', STOCK),
    await admin.createCampaign('overload: steps', STOCK),
  ];
  await runCampaign(options, 'warm', WARM_UP, warm);
  if (options.apiCpus > 0) {
    const fault = await caps.set(options.apiCpus);
    if (fault !== null) throw new Error(`replicas cannot be capped, API_CPUS=0 leaves it out: ${fault}`);
    say(`Each of ${options.replicas} replicas may use ${options.apiCpus} CPU from now on`);
  }
  try {
    const measured = await runCampaign(options, 'capacity', CAPACITY, first);
    const capacity = Math.round(goodputOf(measured.attempts, windowsOf(measured.marks)[1]!));
    say(`Capacity: ${capacity} coupons a second (192 connections that call again at once)`);
    const rates = STEPS.map(({ factor, seconds }) => `${Math.round(factor * capacity)}x${seconds}`);
    const run = await runCampaign(options, 'steps', rates, second);
    await caps.lift();
    return await assemble(options, capacity, run, loadBefore);
  } finally {
    await caps.lift();
  }
}

interface CampaignRun {
  couponId: number;
  attempts: Attempt[];
  marks: Mark[];
  /** At each mark. */
  cpu: CpuByService[];
}

async function runCampaign(
  { stack, generator, signal, say }: OverloadOptions,
  name: string,
  steps: readonly string[],
  couponId: number,
): Promise<CampaignRun> {
  const folder = join(resultsFolder('loadtest'), 'overload');
  await mkdir(folder, { recursive: true });
  const clientLog = join(folder, `${name}.client-log`);
  await rm(clientLog, { force: true });
  const processes = groupProcesses(await stack.status());
  const cpu: CpuByService[] = [];
  const marks = await runSteadyLoad({
    ...{ program: generator, url: stack.frontUrl, couponId, prefix: `${name}-`, steps, clientLog, signal },
    onMark: ({ step, cpuSeconds }) => {
      cpu.push({ ...readCpu(processes), generator: cpuSeconds });
      const factor = name === 'steps' ? STEPS[step]?.factor : undefined;
      if (factor !== undefined) say(`  ${factor} × the capacity: ${steps[step]} (calls a second x seconds)`);
    },
  });
  return { couponId, attempts: await readClientLog(clientLog), marks, cpu };
}

const windowsOf = (marks: readonly Mark[]): Window[] =>
  marks.slice(1).map(({ startMs }, i) => ({ startMs: marks[i]!.startMs, endMs: startMs }));

async function assemble(
  { stack, replicas, apiCpus, say, signal }: OverloadOptions,
  capacity: number,
  { couponId, attempts, marks, cpu }: CampaignRun,
  loadBefore: number,
): Promise<OverloadResult> {
  say('Waiting until everything issued is in MySQL, then the audit');
  const admin = new AdminClient(stack);
  const drained = await waitUntilDrained(() => admin.statistics(couponId), DRAIN_TIMEOUT_MS, signal);
  const audited = audit({ facts: await readFacts(stack, couponId), attempts });
  const windows = windowsOf(marks);
  const steps = STEPS.map(({ factor }, i) => ({
    ...measureStep(attempts, windows[i]!, factor),
    cpu: coresUsed(cpu[i]!, cpu[i + 1]!, windows[i]!),
    generatorBehindMs: marks[i + 1]!.behindMs,
    connections: marks[i + 1]!.connections,
  }));
  const judged = {
    steps,
    goodputRatio: goodputRatio(steps),
    recoveryMs: recoveryMs(attempts, windows.at(-1)!, normalMs(steps[0]!.okP95Ms)),
  };
  return {
    at: new Date().toISOString(),
    replicas,
    apiCpus,
    capacity,
    ...judged,
    // The sentences on refused calls ("not issued") are one for each of them.
    audit: {
      ...audited,
      details: Object.fromEntries(FAULTS.map((name) => [name, audited.details[name] ?? []])),
    },
    passes: await readPasses(
      join(instanceFolder(INSTANCE), 'logs', 'nginx-access.log'),
      couponId,
      new URL(stack.opsUrl).host,
    ),
    loadBefore,
    environment: describeEnvironment(await stack.versions(), ''),
    faults: [
      ...missedGoals(judged),
      ...(drained ? [] : ['not everything issued was in MySQL in time']),
      ...auditFaults(audited),
    ],
  };
}

/** CPUs that were busy on average. */
function coresUsed(before: CpuByService, after: CpuByService, { startMs, endMs }: Window): CpuByService {
  const used = cpuPerRequest(before, after, 1e6 * ((endMs - startMs) / 1_000));
  return Object.fromEntries(Object.entries(used).map(([name, cores]) => [name, roundTo(cores, 3)]));
}
