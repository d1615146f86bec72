import { median } from '../common/statistics.js';
import type { ReplicaSummary } from './summarise.js';
import type { Component, RunRecord } from './types.js';

/** Where one count of replicas stands, and what twice as many should issue: the model of docs/capacity.md. */
export interface Prediction {
  readonly replicas: number;
  /** Apart from the replicas: the part nearest to its limit, or the machine that all of them share. */
  readonly next: { readonly part: Component | 'machine'; readonly utilisation: number } | null;
  /** Coupons a second of twice as many replicas: twice the rate, or what the next part lets through. */
  readonly twice: number;
  /** What twice as many did issue; null when they were not measured. */
  readonly measured: number | null;
}

/** Everything but the replicas, whose number is what changes, and k6, which a real rush brings along. */
const isElsewhere = (component: Component): boolean => component !== 'api';

function utilisations(runs: readonly RunRecord[]): Map<Component | 'machine', number> {
  const all = new Map<Component | 'machine', number[]>();
  const note = (part: Component | 'machine', share: number) => all.set(part, [...(all.get(part) ?? []), share]);
  for (const run of runs) {
    for (const { component, utilisation } of run.cpu) if (isElsewhere(component)) note(component, utilisation);
    note('machine', run.machineUtilisation);
  }
  return new Map([...all].map(([part, shares]) => [part, median(shares)]));
}

/**
 * The CPU of an answer stays what it is, so each part's utilisation grows with the rate until one of them is full.
 *
 * @param valid runs of saturation that count
 */
export function predict(byReplicas: readonly ReplicaSummary[], valid: readonly RunRecord[]): Prediction[] {
  return byReplicas.flatMap(({ replicas, tps }) => {
    if (!tps) return [];
    const shares = utilisations(valid.filter((run) => run.replicas === replicas));
    const [next] = [...shares].sort(([, a], [, b]) => b - a);
    const most = next && next[1] > 0 ? tps.median / next[1] : Infinity;
    return [
      {
        replicas,
        next: next ? { part: next[0], utilisation: next[1] } : null,
        twice: Math.min(2 * tps.median, most),
        measured: byReplicas.find((other) => other.replicas === 2 * replicas)?.tps?.median ?? null,
      },
    ];
  });
}
