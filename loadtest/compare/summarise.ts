import { median, spreadOf, type Spread } from './statistics.js';
import type { CapacityRecord, Component, RunRecord, SampleCounts, StoredComparison } from './types.js';

/** One replica count: medians over its valid runs. The figures are null when no run is valid. */
export interface ReplicaSummary {
  readonly replicas: number;
  /** Rounds that were run, a repeated one counted once. */
  readonly rounds: number;
  /** Runs that count. */
  readonly valid: number;
  readonly tps: Spread | null;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  readonly successRate: number | null;
  /**
   * TPS ÷ TPS of the smallest count, times that count: 4 replicas without any loss have 4. Null for arrivals, whose rate
   * is given and no result.
   */
  readonly speedup: number | null;
  /** `speedup` ÷ `replicas`; 1 is perfect. */
  readonly efficiency: number | null;
  readonly samples: SampleCounts;
  readonly saturatedFirst: Component | null;
}

/** What `report.json` holds. */
export interface Report {
  readonly id: string;
  readonly comparison: StoredComparison['comparison'];
  readonly byReplicas: readonly ReplicaSummary[];
  readonly samples: SampleCounts;
  /** Of the largest replica count: what limits the system next. */
  readonly saturatedFirst: Component | null;
  readonly invalidRuns: readonly { readonly testid: string; readonly reasons: readonly string[] }[];
  readonly capacity: readonly CapacitySummary[];
}

export interface CapacitySummary {
  readonly replicas: number;
  /** Highest rate asked for that held every limit, in requests a second; null when even the lowest did not. */
  readonly holds: number | null;
  /** Lowest rate that broke one; null when none did. */
  readonly breaksAt: number | null;
  readonly broke: readonly string[];
  readonly saturatedFirst: Component | null;
}

/** Whether more replicas can issue more: of arrivals the rate is given, and only the time to an answer is measured. */
export const isScaling = ({ comparison }: Report): boolean => comparison.scenario !== 'arrival';

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

function summariseCount(
  replicas: number,
  runs: readonly RunRecord[],
  base: { replicas: number; tps: number } | null,
): ReplicaSummary {
  const valid = runs.filter(isValid);
  const of = (pick: (run: RunRecord) => number) => median(valid.map(pick));
  const tps = valid.length > 0 ? spreadOf(valid.map((run) => run.tps)) : null;
  const speedup = tps && base && base.tps > 0 ? (tps.median / base.tps) * base.replicas : null;
  return {
    replicas,
    rounds: new Set(runs.map(({ round }) => round)).size,
    valid: valid.length,
    tps,
    latencyMs: tps && {
      p50: of((run) => run.latencyMs.p50),
      p95: of((run) => run.latencyMs.p95),
      p99: of((run) => run.latencyMs.p99),
    },
    successRate: tps && of((run) => run.successRate),
    speedup,
    efficiency: speedup === null ? null : speedup / replicas,
    samples: sumSamples(runs.map(({ samples }) => samples)),
    saturatedFirst: mostFrequent((valid.length > 0 ? valid : runs).map((run) => run.saturatedFirst)),
  };
}

/** The smallest count with a valid run is what the others are measured by. */
function baseOf(
  counts: readonly number[],
  runs: readonly RunRecord[],
): { replicas: number; tps: number } | null {
  for (const replicas of counts) {
    const valid = runs.filter((run) => run.replicas === replicas && isValid(run));
    if (valid.length > 0) return { replicas, tps: median(valid.map(({ tps }) => tps)) };
  }
  return null;
}

function summariseCapacity({ steps }: CapacityRecord): CapacitySummary[] {
  const counts = [...new Set(steps.map(({ replicas }) => replicas))].sort((a, b) => a - b);
  return counts.map((replicas) => {
    const own = steps.filter((step) => step.replicas === replicas);
    const broken = own.find(({ broke }) => broke.length > 0);
    const held = own.filter((step) => step.broke.length === 0 && (!broken || step.rate < broken.rate));
    return {
      replicas,
      holds: held.length > 0 ? Math.max(...held.map(({ rate }) => rate)) : null,
      breaksAt: broken?.rate ?? null,
      broke: broken?.broke ?? [],
      saturatedFirst: broken?.saturatedFirst ?? null,
    };
  });
}

/** A pure function of what is stored, so that a report can be rebuilt at any time. */
export function summarise({ comparison, runs, capacity }: StoredComparison): Report {
  const counts = [...new Set([...comparison.replicas, ...runs.map(({ replicas }) => replicas)])].sort(
    (a, b) => a - b,
  );
  const base = comparison.scenario === 'arrival' ? null : baseOf(counts, runs);
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
    samples: sumSamples(runs.map(({ samples }) => samples)),
    saturatedFirst: byReplicas.at(-1)?.saturatedFirst ?? null,
    invalidRuns: runs
      .filter((run) => !isValid(run))
      .map(({ testid, invalid }) => ({ testid, reasons: invalid })),
    capacity: capacity ? summariseCapacity(capacity) : [],
  };
}
