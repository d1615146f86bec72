import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resultsFolder } from '../common/paths.js';
import { runScenario } from '../loadtest/run-scenario.js';
import { planOf, type Bench, type Load } from './context.js';

/** Without a cap: V8 compiles what answers need, which under a cap takes minutes. */
const COMPILING: Load = { scenario: 'saturate', users: 32, durationS: 20 };
/** Then what is going to be measured, under the cap: heaps grow, batches have another size (docs/adr/0008). */
const REHEARSALS = 3;

async function rehearse({ stack, k6, signal }: Bench, load: Load): Promise<void> {
  const replicas = await stack.replicas();
  const { testid } = await runScenario({
    ...{ stack, replicas, k6, signal },
    plan: planOf(load, replicas),
    onProgress: () => undefined,
  });
  await rm(join(resultsFolder('loadtest'), testid), { recursive: true, force: true });
}

/** Warms all replicas at once, before they are capped. */
export async function compileReplicas(bench: Bench): Promise<void> {
  bench.say('Warm-up: all replicas compile what answers need');
  await rehearse(bench, COMPILING);
}

/** Warms them with the load itself, capped as they will be. */
export async function rehearseLoad(bench: Bench, load: Load): Promise<void> {
  for (let run = 1; run <= REHEARSALS; run += 1) {
    bench.say(`Warm-up: rehearsal ${run} of ${REHEARSALS}`);
    await rehearse(bench, load);
  }
}
