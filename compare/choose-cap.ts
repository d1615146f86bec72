import type { CompareOptions } from './options.js';
import type { CpuCap } from './types.js';

/**
 * Of the machine, for all replicas of the largest count together. Measured (docs/adr/0008): while a replica spends 55 µs on
 * an answer, k6, InfluxDB, nginx, Redis, worker and database spend 450 µs. So they all fit.
 */
const SHARE = 0.06;
/** Linux takes no less at the longest period. */
const LEAST = 0.01;

/** Steps of half a hundredth. */
const round = (cpus: number): number => Math.max(LEAST, Math.round(cpus * 200) / 200);

/** @param cpus of the machine */
export function chooseCap({ scenario, apiCpus, replicas }: CompareOptions, cpus: number): CpuCap {
  if (apiCpus !== null && apiCpus > 0) return { cpus: apiCpus, how: 'given', note: '' };
  if (apiCpus === 0 || scenario !== 'saturate') return { cpus: null, how: 'none', note: '' };
  const largest = replicas.at(-1)!;
  const note = `All ${largest} together have ${SHARE * 100} % of the machine.`;
  return { cpus: round((SHARE * cpus) / largest), how: 'chosen', note };
}
