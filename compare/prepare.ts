import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resultsFolder } from '../common/paths.js';
import { runScenario } from '../loadtest/run-scenario.js';
import { planOf, type Bench, type Load } from './context.js';

/**
 * Without a cap: V8 compiles the rest of what answers need. Replicas have rehearsed before they listened, but all at once, and under
 * a small cap nothing more is compiled (measured: docs/adr/0020).
 */
const COMPILING: Load = { scenario: 'saturate', users: 32, durationS: 20 };
/**
 * Then what is going to be measured, under a cap: heaps grow, batches have another size (docs/adr/0008). A larger one than
 * the own, for V8 compiles under it too, and the last time the own.
 */
const REHEARSALS = [3, 3, 2, 1];

/**
 * Has k6 load these replicas alone, each with the cap. It holds while k6 runs and no longer: under a small one the admin
 * API's first call takes longer than anybody waits.
 *
 * @param cpus of one replica; null: no cap
 * @returns for `runScenario`; @throws when the cap cannot be set
 */
export const capped = ({ stack, caps }: Bench, serving: readonly string[], cpus: number | null) => ({
  before: async () => {
    await stack.route(serving);
    const fault = cpus === null ? null : await caps.set(cpus);
    if (fault !== null)
      throw new Error(`A cap of ${cpus} CPU cannot be set: ${fault}. API_CPUS=0 goes without.`);
  },
  after: () => caps.lift(),
});

async function rehearse(bench: Bench, load: Load, cpus: number | null): Promise<void> {
  const { stack, k6, signal } = bench;
  const replicas = await stack.replicas();
  const serving = Array.from({ length: replicas }, (_, index) => `api-${index + 1}`);
  const { testid } = await runScenario({
    ...{ stack, replicas, k6, signal },
    plan: planOf(load, replicas),
    onProgress: () => undefined,
    aroundLoad: capped(bench, serving, cpus),
  });
  await rm(join(resultsFolder('loadtest'), testid), { recursive: true, force: true });
}

/**
 * Without a cap nothing is left to do: replicas have rehearsed before they listened.
 *
 * @param cpus cap of one replica in what is going to be measured; null: none
 */
export async function warmReplicas(bench: Bench, load: Load, cpus: number | null): Promise<void> {
  if (cpus === null) return;
  bench.say('Warm-up: all replicas compile what answers need');
  await rehearse(bench, COMPILING, null);
  for (const [index, caps] of REHEARSALS.entries()) {
    bench.say(`Warm-up: rehearsal ${index + 1} of ${REHEARSALS.length}`);
    await rehearse(bench, load, cpus * caps);
  }
}
