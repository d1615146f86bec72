import type { Bench } from './context.js';
import type { CompareOptions } from './options.js';
import type { CpuCap } from './types.js';

/**
 * Of the machine, for all replicas of the largest count together. Measured (docs/adr/0008): while a replica spends 60 µs on
 * an answer, k6, nginx, Redis, worker and database spend 350 µs. With a tenth they fit, with room for InfluxDB.
 */
const SHARE = 0.1;
/** Linux takes no less at the longest period. */
const LEAST = 0.01;

/** Steps of half a hundredth. */
const round = (cpus: number): number => Math.max(LEAST, Math.round(cpus * 200) / 200);

/** Caps the replicas, which run and are warm, so that they and not the load generator are the limit; they stay capped. */
export async function capReplicas(bench: Bench, options: CompareOptions, cpus: number): Promise<CpuCap> {
  const { scenario, apiCpus, replicas } = options;
  const largest = replicas.at(-1)!;
  const chosen = apiCpus ?? (scenario === 'saturate' ? round((SHARE * cpus) / largest) : 0);
  if (chosen === 0) return { cpus: null, how: 'none', note: '' };
  const fault = await bench.caps.set(chosen);
  if (fault !== null)
    return { cpus: null, how: 'none', note: `A cap of ${chosen} CPU could not be set (${fault}).` };
  return apiCpus === null
    ? { cpus: chosen, how: 'chosen', note: `All ${largest} together have ${SHARE * 100} % of the machine.` }
    : { cpus: chosen, how: 'given', note: '' };
}
