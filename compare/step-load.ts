import { formatNumber } from '../common/format.js';
import type { Bench } from './context.js';
import { measureRun } from './measure-run.js';
import { duration } from './report/format.js';
import type { ComparisonStore } from './store.js';
import { ATTEMPTS } from './summarise.js';
import type { ComparisonRecord, RunRecord, StepRecord } from './types.js';

const limits = { p99Ms: 1_000, errorRate: 0 } as const;
const STEP_SECONDS = 8;
const GROWTH = 1.25;
const MOST_STEPS = 12;

const errorRateOf = ({ answers }: RunRecord): number => {
  const failed = answers.other + answers.timeouts + answers.connectionErrors;
  const all = failed + answers.issued + answers.alreadyIssued + answers.soldOut;
  return all > 0 ? failed / all : 1;
};

export function brokenLimits({
  p99Ms,
  errorRate,
  droppedIterations,
}: Pick<StepRecord, 'p99Ms' | 'errorRate' | 'droppedIterations'>): string[] {
  return [
    ...(p99Ms === null ? ['no answer'] : p99Ms > limits.p99Ms ? [`p99 ${duration(p99Ms)}`] : []),
    ...(errorRate > limits.errorRate ? [`errors ${(errorRate * 100).toFixed(2)} %`] : []),
    ...(droppedIterations > 0 ? [`${formatNumber(droppedIterations)} arrivals found no free user`] : []),
  ];
}

/**
 * The rate of the next step of one replica count, in requests a second; null when its capacity is found. A step that
 * does not count is repeated once, and ends the search when it does not count again.
 *
 * @param first rate of the first step
 */
export function nextRate(steps: readonly StepRecord[], replicas: number, first: number): number | null {
  const own = steps.filter((step) => step.replicas === replicas);
  const last = own.at(-1);
  if (!last) return first;
  if (last.broke.length > 0) return null;
  if ((last.invalid ?? []).length > 0)
    return own.filter(({ rate }) => rate === last.rate).length < ATTEMPTS ? last.rate : null;
  return own.length < MOST_STEPS ? Math.round(last.rate * GROWTH) : null;
}

async function step(
  bench: Bench,
  comparison: ComparisonRecord,
  replicas: number,
  rate: number,
): Promise<StepRecord> {
  const load = { scenario: 'arrival' as const, users: 0, rate, durationS: STEP_SECONDS };
  const cell = { replicas, round: 0, attempt: 1, cap: comparison.apiCpus.cpus };
  const tags = { comparison: 'step-load', of: comparison.id, step: String(rate) };
  const { run } = await measureRun(bench, load, cell, tags);
  const figures = {
    p99Ms: run.latencyMs.p99,
    errorRate: errorRateOf(run),
    droppedIterations: run.droppedIterations,
  };
  return {
    replicas,
    rate,
    achieved: run.tps,
    ...figures,
    broke: brokenLimits(figures),
    invalid: run.invalid,
    saturatedFirst: run.saturatedFirst,
    cpu: run.cpu,
  };
}

function sayStep(bench: Bench, { replicas, rate, p99Ms, broke, invalid }: StepRecord): void {
  const verdict =
    broke.length > 0
      ? `broke: ${broke.join(', ')}`
      : invalid?.length
        ? `does not count: ${invalid.join('; ')}`
        : 'holds';
  bench.say(`  ${replicas} replicas at ${rate}/s: p99 ${duration(p99Ms)}, ${verdict}`);
}

/**
 * Raises the arrival rate for each replica count until a limit breaks, saving each step as it ends, so that an
 * interrupted search goes on.
 *
 * @param ratePerReplica of the first step, in requests a second
 */
export async function findCapacity(
  bench: Bench,
  store: ComparisonStore,
  ratePerReplica: number,
): Promise<void> {
  const { comparison, capacity } = store.load();
  const steps = [...(capacity?.steps ?? [])];
  for (const replicas of comparison.replicas) {
    const first = Math.max(10, Math.round(ratePerReplica * replicas));
    let rate = nextRate(steps, replicas, first);
    while (rate !== null) {
      const taken = await step(bench, comparison, replicas, rate);
      steps.push(taken);
      store.saveCapacity({ limits, steps });
      sayStep(bench, taken);
      rate = nextRate(steps, replicas, first);
    }
  }
}
