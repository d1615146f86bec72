import { median, measureSpread, type Spread } from '../common/statistics.js';
import { medianInterval, type Interval } from './interval.js';
import { summariseCapacity, type CapacitySummary } from './capacity-summary.js';
import { predict, type Prediction } from './prediction.js';
import type {
  CapacityRecord,
  ComparisonRecord,
  Component,
  RunRecord,
  SampleCounts,
  StoredComparison,
} from './types.js';

/** An invalid run is repeated once: after that its round is over. */
export const ATTEMPTS = 2;

/** One replica count: what its valid runs say together. The figures are null when no run is valid. */
export interface ReplicaSummary {
  readonly replicas: number;
  /** Rounds that were run, a repeated one counted once; `comparison.rounds` were planned. */
  readonly rounds: number;
  /** Runs that count. */
  readonly valid: number;
  readonly tps: Spread | null;
  /** Medians of the rounds' percentiles, of definite answers; null where no user got one. */
  readonly latencyMs: {
    readonly p50: number | null;
    readonly p95: number | null;
    readonly p99: number | null;
  } | null;
  /** From the first request to the last answer, median of the rounds. */
  readonly makespanMs: number | null;
  /** How far the rounds' p95 are apart, ms. */
  readonly p95Ms: Spread | null;
  /** Definite answers ÷ requests of all valid runs together: one bad round of many is not outvoted. */
  readonly successRate: number | null;
  /**
   * TPS ÷ TPS of the smallest count in the same round, times that count: 4 replicas without any loss have 4. Median of the
   * rounds; null for arrivals, whose rate is given and no result.
   */
  readonly speedup: number | null;
  /** `speedup` ÷ `replicas`; 1 is perfect. */
  readonly efficiency: number | null;
  /** 95 % intervals of the two; null where too few rounds have both counts, and of the count the others are measured by. */
  readonly interval: { readonly speedup: Interval; readonly efficiency: Interval } | null;
  readonly samples: SampleCounts;
  readonly saturatedFirst: Component | null;
}

/** What `report.json` holds. */
export interface Report {
  readonly id: string;
  readonly comparison: StoredComparison['comparison'];
  readonly byReplicas: readonly ReplicaSummary[];
  /** Rounds of all counts. One is done when it has a valid run, or when its repetition was invalid too. */
  readonly progress: { readonly planned: number; readonly done: number };
  readonly samples: SampleCounts;
  /** Of the largest replica count: what limits the system next. */
  readonly saturatedFirst: Component | null;
  /** What to add next, by count; empty of arrivals, whose rate is given. */
  readonly predictions: readonly Prediction[];
  readonly invalidRuns: readonly { readonly testid: string; readonly reasons: readonly string[] }[];
  readonly capacity: readonly CapacitySummary[];
  /** What a step had to hold; null when no rising rate was tried. */
  readonly capacityLimits: CapacityRecord['limits'] | null;
}

/** Whether more replicas can issue more: of arrivals the rate is given, and only the time to an answer is measured. */
export const isScaling = ({ comparison }: Pick<Report, 'comparison'>): boolean =>
  comparison.scenario !== 'arrival';

/** False when one user in one valid run went without a definite answer. */
export const hasAnsweredEveryone = ({ byReplicas }: Report): boolean =>
  byReplicas.every(({ successRate }) => successRate === null || successRate === 1);

/** Nothing that was planned is left to run. Says nothing of how many runs count. */
export const isComplete = ({ progress }: Report): boolean => progress.done >= progress.planned;

/** There is an answer for every count: with its interval, or where none is made from every planned round. */
export const isConclusive = (report: Report): boolean =>
  isComplete(report) &&
  report.byReplicas.every(({ valid, interval }, index) =>
    report.comparison.scenario === 'saturate'
      ? valid > 0 && (index === 0 || interval !== null)
      : valid >= report.comparison.rounds,
  );

export const isValid = (run: RunRecord): boolean => run.invalid.length === 0;

/** A sum is unknown when a part of it is. */
function sumSamples(samples: readonly SampleCounts[]): SampleCounts {
  const counted = samples.flatMap(({ influxdb }) => (influxdb === null ? [] : [influxdb]));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    k6: sum(samples.map(({ k6 }) => k6)),
    influxdb: samples.length > 0 && counted.length === samples.length ? sum(counted) : null,
  };
}

/** The most frequent one; of equals the first. */
function mostFrequent(components: readonly (Component | null)[]): Component | null {
  const counts = new Map<Component | null, number>();
  for (const component of components) counts.set(component, (counts.get(component) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

const medianOrNull = (values: readonly number[]): number | null =>
  values.length > 0 ? median(values) : null;

/** Exactly 1 only when nobody went without a definite answer; null when nobody asked. */
function successOf(runs: readonly RunRecord[]): number | null {
  let [definite, asked] = [0, 0];
  for (const { answers } of runs) {
    const own = answers.issued + answers.alreadyIssued + answers.soldOut;
    definite += own;
    asked += own + answers.other + answers.timeouts + answers.connectionErrors;
  }
  return asked > 0 ? definite / asked : null;
}

type Scaling = Pick<ReplicaSummary, 'speedup' | 'efficiency' | 'interval'>;

/** Rounds are compared within themselves: what slows the machine down for a while hits both sides of the ratio. */
function summariseScaling(replicas: number, valid: readonly RunRecord[], base: Base | null): Scaling {
  const speedups = valid.flatMap(({ round, tps }) => {
    const one = base?.tpsByRound.get(round);
    return base && one ? [(tps / one) * base.replicas] : [];
  });
  const speedup = medianOrNull(speedups);
  const bounds = replicas === base?.replicas ? null : medianInterval(speedups);
  return {
    speedup,
    efficiency: speedup === null ? null : speedup / replicas,
    interval: bounds && {
      speedup: bounds,
      efficiency: { low: bounds.low / replicas, high: bounds.high / replicas },
    },
  };
}

function summariseCount(replicas: number, runs: readonly RunRecord[], base: Base | null): ReplicaSummary {
  const valid = runs.filter(isValid);
  const percentilesOf = (name: 'p50' | 'p95' | 'p99') =>
    valid.flatMap(({ latencyMs }) => latencyMs[name] ?? []);
  const typical = (name: 'p50' | 'p95' | 'p99') => medianOrNull(percentilesOf(name));
  const p95s = percentilesOf('p95');
  const tps = valid.length > 0 ? measureSpread(valid.map((run) => run.tps)) : null;
  return {
    replicas,
    rounds: new Set(runs.map(({ round }) => round)).size,
    valid: valid.length,
    tps,
    latencyMs: tps && { p50: typical('p50'), p95: typical('p95'), p99: typical('p99') },
    makespanMs: medianOrNull(valid.map(({ makespanMs }) => makespanMs)),
    p95Ms: p95s.length > 0 ? measureSpread(p95s) : null,
    successRate: successOf(valid),
    ...summariseScaling(replicas, valid, base),
    samples: sumSamples(runs.map(({ samples }) => samples)),
    saturatedFirst: mostFrequent((valid.length > 0 ? valid : runs).map((run) => run.saturatedFirst)),
  };
}

interface Base {
  readonly replicas: number;
  readonly tpsByRound: ReadonlyMap<number, number>;
}

/** The smallest count with a valid run is what the others are measured by. */
function baseOf(counts: readonly number[], runs: readonly RunRecord[]): Base | null {
  for (const replicas of counts) {
    const valid = runs.filter((run) => run.replicas === replicas && isValid(run));
    if (valid.length > 0)
      return { replicas, tpsByRound: new Map(valid.map(({ round, tps }) => [round, tps])) };
  }
  return null;
}

function progressOf(
  { replicas, rounds, ended }: ComparisonRecord,
  runs: readonly RunRecord[],
): Report['progress'] {
  const isDone = (count: number, round: number): boolean => {
    const own = runs.filter((run) => run.replicas === count && run.round === round);
    return own.some(isValid) || own.length >= ATTEMPTS;
  };
  const planned = replicas.flatMap((count) =>
    Array.from({ length: rounds }, (_, index) => isDone(count, index + 1)),
  );
  const done = planned.filter(Boolean).length;
  return { planned: ended === undefined ? planned.length : done, done };
}

/** A pure function of what is stored, so that a report can be rebuilt at any time. */
export function summarise({ comparison, runs, capacity }: StoredComparison): Report {
  const counts = [...new Set([...comparison.replicas, ...runs.map(({ replicas }) => replicas)])].sort(
    (a, b) => a - b,
  );
  const base = isScaling({ comparison }) ? baseOf(counts, runs) : null;
  const byReplicas = counts.map((replicas) =>
    summariseCount(
      replicas,
      runs.filter((run) => run.replicas === replicas),
      base,
    ),
  );
  return {
    id: comparison.id,
    comparison,
    byReplicas,
    progress: progressOf(comparison, runs),
    samples: sumSamples(runs.map(({ samples }) => samples)),
    saturatedFirst: byReplicas.at(-1)?.saturatedFirst ?? null,
    predictions: isScaling({ comparison }) ? predict(byReplicas, runs.filter(isValid)) : [],
    invalidRuns: runs
      .filter((run) => !isValid(run))
      .map(({ testid, invalid }) => ({ testid, reasons: invalid })),
    capacity: capacity ? summariseCapacity(capacity) : [],
    capacityLimits: capacity?.limits ?? null,
  };
}
