import type { Component, CpuUse } from './types.js';

/** From here on a part counts as working at its limit: a burst has a beginning and an end in which nobody is busy. */
const BUSY = 0.85;
const MACHINE_BUSY = 0.92;

/**
 * The part that came nearest to its own limit. When none did and yet the machine had no CPU left, the part that used
 * most of it, usually the load generator: it took from the others what they would have needed. Nothing of ours is to
 * blame when other programs used the machine up.
 *
 * @param ownUtilisation share of the machine that all parts together used, 0…1
 */
export function saturatedFirst(
  cpu: readonly CpuUse[],
  machineUtilisation: number,
  ownUtilisation: number,
): Component | null {
  const [busiest] = [...cpu].sort((a, b) => b.utilisation - a.utilisation);
  if (busiest && busiest.utilisation >= BUSY) return busiest.component;
  if (machineUtilisation < MACHINE_BUSY || ownUtilisation < machineUtilisation / 2) return null;
  const [largest] = [...cpu].sort((a, b) => b.seconds - a.seconds);
  return largest?.component ?? null;
}

export interface Limits {
  readonly cpus: number;
  /** Cap of one replica; null: none. */
  readonly cap: number | null;
}

/** CPUs that one part (of the api: one replica) can use at most. Replicas, workers and Redis have one busy thread each. */
export function limitOf(component: Component, { cpus, cap }: Limits): number {
  switch (component) {
    case 'api':
      return cap ?? 1;
    case 'redis':
    case 'worker':
      return 1;
    case 'nginx':
      return Math.min(cpus, 2);
    case 'database':
    case 'k6':
    case 'influxdb':
      return cpus;
    default:
      return component satisfies never;
  }
}
