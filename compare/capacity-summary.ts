import type { CapacityRecord, Component, StepRecord } from './types.js';

/** What a rising rate found for one replica count. */
export interface CapacitySummary {
  readonly replicas: number;
  /** Highest rate asked for that held every limit, in requests a second; null when even the lowest did not. */
  readonly holds: number | null;
  /** Requests a second that were answered at that rate. */
  readonly achieved: number | null;
  /** Lowest rate that broke a limit; null when none did, so that the capacity is at least `holds`. */
  readonly breaksAt: number | null;
  readonly broke: readonly string[];
  /** Steps that neither held nor broke a limit, because their measurement does not count. */
  readonly invalid: readonly { readonly rate: number; readonly reasons: readonly string[] }[];
  readonly saturatedFirst: Component | null;
}

const isBroken = ({ broke }: StepRecord): boolean => broke.length > 0;
const reasonsOf = ({ invalid }: StepRecord): readonly string[] => invalid ?? [];

function summariseSteps(replicas: number, steps: readonly StepRecord[]): CapacitySummary {
  const rising = [...steps].sort((a, b) => a.rate - b.rate);
  const broken = rising.find(isBroken);
  const held = rising
    .filter((step) => !isBroken(step) && reasonsOf(step).length === 0)
    .filter(({ rate }) => !broken || rate < broken.rate)
    .at(-1);
  return {
    replicas,
    holds: held?.rate ?? null,
    achieved: held?.achieved ?? null,
    breaksAt: broken?.rate ?? null,
    broke: broken?.broke ?? [],
    invalid: rising
      .filter((step) => !isBroken(step) && reasonsOf(step).length > 0)
      .map((step) => ({ rate: step.rate, reasons: reasonsOf(step) })),
    saturatedFirst: broken?.saturatedFirst ?? null,
  };
}

/** One entry for each replica count, ascending. */
export function summariseCapacity({ steps }: CapacityRecord): CapacitySummary[] {
  const counts = [...new Set(steps.map(({ replicas }) => replicas))].sort((a, b) => a - b);
  return counts.map((replicas) =>
    summariseSteps(
      replicas,
      steps.filter((step) => step.replicas === replicas),
    ),
  );
}
