import type { Stack } from '../stack/types.js';
import { AdminClient, waitUntilDrained } from './admin-client.js';
import { measure, type Measures } from './answers.js';
import { audit, type Audit } from './audit.js';
import type { Attempt } from './client-log.js';
import { cpuPerAnswer, readStackCpu } from './cpu-usage.js';
import { auditFaults } from './describe-run.js';
import { readFacts } from './facts.js';
import { readGenerators, type Generator } from './generator.js';
import { describeEnvironment, type RunResult } from './result.js';
import { describeSaturation, readFigures, type GeneratorFigures } from './saturation.js';
import { deviations, type Plan } from './scenarios.js';
import { formatSegment } from './segments.js';

export interface ConcludeOptions {
  readonly stack: Stack;
  readonly replicas: number;
  /** Of all generators. */
  readonly folders: readonly string[];
  /** What was seen while they ran; absent when they ran earlier and elsewhere. */
  readonly seen?: Seen | undefined;
  readonly drainTimeoutMs?: number | undefined;
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Seen extends Pick<RunResult, 'loadBefore' | 'startedAt'> {
  readonly cpuBefore: Awaited<ReturnType<typeof readStackCpu>>;
}

const DRAIN_TIMEOUT_MS = 120_000;

/** After the load: drain, audit over what all clients were told, figures from their merged answers. */
export async function concludeRun(options: ConcludeOptions): Promise<RunResult> {
  const { stack, seen, onProgress, signal } = options;
  const generators = await readGenerators(options.folders);
  const { couponId } = generators[0]!;
  const admin = new AdminClient(stack);
  onProgress('Waiting until everything issued is in MySQL');
  const drainTimeoutMs = options.drainTimeoutMs ?? DRAIN_TIMEOUT_MS;
  const isDrained = await waitUntilDrained(() => admin.statistics(couponId), drainTimeoutMs, signal);
  const drainedAtMs = Date.now();
  const cpuAfter = await readStackCpu(stack);
  onProgress('Audit: what clients were told, Redis, MySQL');
  const attempts = generators.flatMap((generator) => generator.attempts);
  const facts = await readFacts(stack, couponId);
  const answered = attempts.filter(({ answer }) => answer !== null).length;
  return {
    ...assemble(options, generators, attempts, {
      audited: audit({ facts, attempts }),
      figures: generators.map((generator) => readFigures(generator, facts.mysql)),
      isDrained,
      // Of generators that ran earlier nobody saw when it was.
      drainedAtMs: seen && isDrained ? drainedAtMs : null,
    }),
    environment: describeEnvironment(await stack.versions(), generators[0]!.k6),
    cpuMicrosPerAnswer: seen ? cpuPerAnswer(seen.cpuBefore, cpuAfter, answered) : {},
  };
}

interface Concluded {
  readonly audited: Audit;
  readonly figures: GeneratorFigures[];
  readonly isDrained: boolean;
  readonly drainedAtMs: number | null;
}

function assemble(
  { stack, replicas, seen }: ConcludeOptions,
  generators: readonly Generator[],
  attempts: readonly Attempt[],
  { audited, figures, isDrained, drainedAtMs }: Concluded,
): Omit<RunResult, 'environment' | 'cpuMicrosPerAnswer'> {
  const { testid, plan, couponId } = generators[0]!;
  const { lastAnswerAtMs, ...measures } = measure(attempts);
  const { users, answers, tps, makespanMs, latencyMs, ...others } = measures;
  return {
    testid,
    scenario: plan.scenario,
    mode: stack.mode,
    replicas,
    users,
    stock: plan.stock,
    answers,
    tps,
    makespanMs,
    latencyMs,
    audit: {
      ...audited,
      persistedAfterMs: drainedAtMs === null ? null : Math.max(0, drainedAtMs - lastAnswerAtMs),
    },
    loadBefore: seen?.loadBefore ?? 0,
    couponId,
    startedAt: seen?.startedAt ?? new Date(generators[0]!.startAtMs ?? firstSentMs(attempts)).toISOString(),
    ...others,
    ...reachedRate(plan, measures, attempts.length),
    generators: figures,
    faults: [
      ...deviations(plan, answers, users),
      ...(isDrained ? [] : ['not everything issued was in MySQL in time']),
      ...generators.flatMap(describeK6Faults),
      ...describeSaturation(figures, { makespanMs, isOpenModel: plan.rate !== undefined }),
      ...auditFaults(audited),
    ],
  };
}

const firstSentMs = (attempts: readonly Attempt[]): number =>
  attempts.reduce((first, { sentMs }) => Math.min(first, sentMs), Infinity);

const describeK6Faults = ({ segment, k6Faults }: Generator): string[] =>
  segment.of === 1 ? k6Faults : k6Faults.map((fault) => `generator ${formatSegment(segment)}: ${fault}`);

function reachedRate(
  plan: Plan,
  { sendingMs }: Pick<Measures, 'sendingMs'>,
  sent: number,
): Pick<RunResult, 'rate'> {
  if (plan.rate === undefined) return {};
  const reached = sendingMs > 0 ? Math.round((sent * 10_000) / sendingMs) / 10 : 0;
  return { rate: { set: plan.rate, reached } };
}
