import { median } from '../common/statistics.js';
import type { ReplicaSummary } from './summarise.js';
import type { Component, RunRecord } from './types.js';

/** Where one count of replicas stands, and what twice as many should issue: the model of docs/capacity.md. */
export interface Prediction {
  readonly replicas: number;
  /** Coupons a second, median. */
  readonly issued: number;
  /** Apart from the replicas: the part nearest to its limit, or the machine that all of them share. */
  readonly next: { readonly part: Component | 'machine'; readonly utilisation: number } | null;
  /** Coupons a second of twice as many replicas: twice the rate, or what the next part lets through. */
  readonly twice: number;
  /** What twice as many did issue; null when they were not measured. */
  readonly measured: number | null;
}

type Part = NonNullable<Prediction['next']>;

/** The one nearest to its limit, by the median of the runs. The replicas are left out: their number is what changes. */
function findNext(runs: readonly RunRecord[]): Part | null {
  const shares = new Map<Part['part'], number[]>();
  for (const { cpu, machineUtilisation } of runs) {
    const others = cpu.filter(({ component }) => component !== 'api');
    const parts = [
      ...others.map(({ component, utilisation }) => [component, utilisation] as const),
      ['machine', machineUtilisation] as const,
    ];
    for (const [part, share] of parts) shares.set(part, [...(shares.get(part) ?? []), share]);
  }
  const typical = [...shares].map(([part, values]) => ({ part, utilisation: median(values) }));
  return typical.sort((a, b) => b.utilisation - a.utilisation)[0] ?? null;
}

/**
 * The CPU of an answer stays what it is, so each part's utilisation grows with the rate until one of them is full.
 *
 * @param valid runs that count
 */
export function predict(byReplicas: readonly ReplicaSummary[], valid: readonly RunRecord[]): Prediction[] {
  return byReplicas.flatMap(({ replicas, tps }) => {
    if (!tps) return [];
    const next = findNext(valid.filter((run) => run.replicas === replicas));
    const most = next && next.utilisation > 0 ? tps.median / next.utilisation : Infinity;
    return [
      {
        replicas,
        issued: tps.median,
        next,
        twice: Math.min(2 * tps.median, most),
        measured: byReplicas.find((other) => other.replicas === 2 * replicas)?.tps?.median ?? null,
      },
    ];
  });
}
