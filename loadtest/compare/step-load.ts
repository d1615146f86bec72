import type { Bench } from './context.js';
import { measureRun } from './measure-run.js';
import { prepare } from './prepare.js';
import { duration, whole } from './report/format.js';
import type { ComparisonStore } from './store.js';
import type { CapacityRecord, RunRecord, StepRecord } from './types.js';

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
    ...(droppedIterations > 0 ? [`${whole(droppedIterations)} arrivals found no free user`] : []),
  ];
}

async function step(bench: Bench, replicas: number, rate: number, cap: number | null): Promise<StepRecord> {
  const load = { scenario: 'arrival' as const, users: 0, rate, durationS: STEP_SECONDS };
  const { run } = await measureRun(
    bench,
    load,
    { replicas, round: 0, attempt: 1, cap },
    { comparison: 'step-load' },
  );
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
    saturatedFirst: run.saturatedFirst,
    cpu: run.cpu,
  };
}

/** Raises the arrival rate for each replica count until a limit breaks. */
export async function findCapacity(
  bench: Bench,
  store: ComparisonStore,
  firstRate: number,
): Promise<CapacityRecord> {
  const { comparison } = store.load();
  const cap = comparison.apiCpus.cpus;
  const steps: StepRecord[] = [];
  for (const replicas of comparison.replicas) {
    await prepare(bench, replicas, cap);
    let rate = Math.max(10, Math.round(firstRate * replicas));
    for (let count = 0; count < MOST_STEPS; count += 1) {
      const taken = await step(bench, replicas, rate, cap);
      steps.push(taken);
      store.saveCapacity({ limits, steps });
      bench.say(
        `  ${replicas} replicas at ${rate}/s: p99 ${duration(taken.p99Ms)}${taken.broke.length > 0 ? `, broke: ${taken.broke.join(', ')}` : ', holds'}`,
      );
      if (taken.broke.length > 0) break;
      rate = Math.round(rate * GROWTH);
    }
  }
  return { limits, steps };
}
