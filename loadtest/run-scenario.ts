import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '../common/json-file.js';
import { readLoadAverage } from '../common/machine.js';
import { resultsFolder } from '../common/paths.js';
import type { Stack } from '../stack/types.js';
import { AdminClient, waitUntilDrained } from './admin-client.js';
import { measure, type Measures } from './answers.js';
import { audit, type Audit } from './audit.js';
import { readClientLog, type Attempt } from './client-log.js';
import { cpuPerAnswer, readStackCpu } from './cpu-usage.js';
import { auditFaults } from './describe-run.js';
import { readFacts } from './facts.js';
import type { K6 } from './k6-binary.js';
import { runK6 } from './k6-run.js';
import { refuseFarAway } from './refuse-far-away.js';
import { describeEnvironment, newTestId, type RunResult } from './result.js';
import { deviations, type Plan } from './scenarios.js';

export interface RunScenarioOptions {
  stack: Stack;
  replicas: number;
  plan: Plan;
  k6: K6;
  onProgress: (line: string) => void;
  signal: AbortSignal;
  allowRemote?: boolean;
  drainTimeoutMs?: number;
  /** Users each replica had answered before, for the record. */
  warmUpUsers?: number;
  /** Where k6's samples go, see `K6Run`. */
  out?: string | undefined;
  /** Of every sample, besides `testid` and `replicas`. */
  tags?: Record<string, string>;
  /** Around k6 alone: after the campaign is open, and before draining and audit ask for anything. */
  aroundLoad?: { before: () => Promise<void>; after: () => Promise<void> };
}

const DRAIN_TIMEOUT_MS = 120_000;

/**
 * One run on a stack that is up: fresh campaign, k6, drain, audit. Resolves with the result, its faults in words, also
 * when something is off; rejects when the run itself was not possible.
 */
export async function runScenario(options: RunScenarioOptions): Promise<RunResult> {
  const { stack, plan, onProgress, signal } = options;
  refuseFarAway(stack.frontUrl, options.allowRemote ?? false);
  const startedAt = new Date();
  const loadBefore = readLoadAverage();
  const testid = newTestId(plan.scenario, options.replicas, startedAt);
  const folder = join(resultsFolder('loadtest'), testid);
  await mkdir(folder, { recursive: true });

  const admin = new AdminClient(stack);
  const couponId = await admin.createCampaign(testid, plan.stock);
  onProgress(
    `Campaign ${couponId} with ${plan.stock} coupons; k6 ${options.k6.version} (${options.k6.from}) runs`,
  );
  const cpuBefore = await readStackCpu(stack);
  await options.aroundLoad?.before();
  const { clientLog, faults } = await runK6({
    k6: options.k6,
    script: plan.scenario,
    folder,
    env: { ...plan.env, BASE_URL: stack.frontUrl, COUPON_ID: String(couponId), ...remotePermit(options) },
    tags: { ...options.tags, testid, replicas: String(options.replicas) },
    out: options.out,
    requests: plan.requests,
    onProgress,
    signal,
  }).finally(() => options.aroundLoad?.after());

  onProgress('Waiting until everything issued is in MySQL');
  const drained = await waitUntilDrained(
    () => admin.statistics(couponId),
    options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS,
    signal,
  );
  const drainedAtMs = Date.now();
  const cpuAfter = await readStackCpu(stack);
  onProgress('Audit: what clients were told, Redis, MySQL');
  const attempts = await readClientLog(clientLog);
  const answered = attempts.filter(({ answer }) => answer !== null).length;
  const result = assemble(options, {
    testid,
    startedAt,
    loadBefore,
    couponId,
    attempts,
    audited: audit({ facts: await readFacts(stack, couponId), attempts }),
    persistedAtMs: drained ? drainedAtMs : null,
    environment: describeEnvironment(await stack.versions(), options.k6.version),
    cpuMicrosPerAnswer: cpuPerAnswer(cpuBefore, cpuAfter, answered),
    k6Faults: faults,
  });
  writeJson(join(folder, 'result.json'), result);
  return result;
}

const remotePermit = ({ allowRemote }: RunScenarioOptions): Record<string, string> =>
  allowRemote ? { ALLOW_REMOTE: 'yes' } : {};

interface Observed extends Pick<
  RunResult,
  'testid' | 'couponId' | 'loadBefore' | 'environment' | 'cpuMicrosPerAnswer'
> {
  startedAt: Date;
  attempts: Attempt[];
  audited: Audit;
  /** Null: not in time. */
  persistedAtMs: number | null;
  k6Faults: string[];
}

function assemble({ stack, plan, replicas, warmUpUsers = 0 }: RunScenarioOptions, seen: Observed): RunResult {
  const { lastAnswerAtMs, ...measures } = measure(seen.attempts);
  const persistedAfterMs =
    seen.persistedAtMs === null ? null : Math.max(0, seen.persistedAtMs - lastAnswerAtMs);
  return {
    testid: seen.testid,
    scenario: plan.scenario,
    mode: stack.mode,
    replicas,
    users: measures.users,
    stock: plan.stock,
    answers: measures.answers,
    tps: measures.tps,
    makespanMs: measures.makespanMs,
    latencyMs: measures.latencyMs,
    audit: { ...seen.audited, persistedAfterMs },
    environment: seen.environment,
    loadBefore: seen.loadBefore,
    warmUpUsers,
    couponId: seen.couponId,
    startedAt: seen.startedAt.toISOString(),
    latencyByOutcomeMs: measures.latencyByOutcomeMs,
    answersPerSecond: measures.answersPerSecond,
    sendingMs: measures.sendingMs,
    ...reachedRate(plan, measures, seen.attempts.length),
    cpuMicrosPerAnswer: seen.cpuMicrosPerAnswer,
    faults: [
      ...deviations(plan, measures.answers, measures.users),
      ...(seen.persistedAtMs === null ? ['not everything issued was in MySQL in time'] : []),
      ...seen.k6Faults,
      ...auditFaults(seen.audited),
    ],
  };
}

function reachedRate(
  plan: Plan,
  { sendingMs }: Pick<Measures, 'sendingMs'>,
  sent: number,
): Pick<RunResult, 'rate'> {
  if (plan.rate === undefined) return {};
  const reached = sendingMs > 0 ? Math.round((sent * 10_000) / sendingMs) / 10 : 0;
  return { rate: { set: plan.rate, reached } };
}
