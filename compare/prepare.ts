import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resultsFolder } from '../common/paths.js';
import { runScenario } from '../loadtest/run-scenario.js';
import { warmUp } from '../loadtest/warm-up.js';
import { planOf, type Bench } from './context.js';
import { dropKeptConnections } from './fresh-connections.js';

/** Of each replica, on kept connections: V8 has compiled the hot path by then. */
const WARM_UP_USERS = 3_000;
/**
 * Then bursts of fresh connections, so many users for each replica: another path. A burst is dealt out at once, so the
 * replica that still compiles would decide when it ends (seen: 4 replicas slower than 2).
 */
const BURST_USERS = 2_000;
const BURSTS = 4;
/**
 * And bursts under the cap: thousands wait at a capped replica at once, its heap has to grow to hold them. Measured with
 * four replicas at 0.04 CPU: 201, 175, 157 µs of replica CPU an answer in the first three runs, no less after them.
 */
const CAPPED_BURSTS = 3;
const READS_OF_EACH = 50;

/** k6 asks for the campaign before its burst, under the cap: the read path is warm by then too. */
async function warmReads(frontUrl: string, replicas: number): Promise<void> {
  const reads = Array.from({ length: replicas * READS_OF_EACH }, () =>
    fetch(`${frontUrl}/api/v1/coupons/1`).then((answer) => answer.arrayBuffer()),
  );
  await Promise.allSettled(reads);
}

/** One peak of fresh connections that counts for nothing, under the cap if there is one. */
async function warmBurst(bench: Bench, replicas: number, cap: number | null): Promise<void> {
  const { stack, caps, k6, signal } = bench;
  await dropKeptConnections(stack);
  const plan = planOf({ scenario: 'peak', users: Math.min(8_000, replicas * BURST_USERS) });
  const { testid } = await runScenario({
    ...{ stack, replicas, plan, k6, signal },
    onProgress: () => undefined,
    aroundLoad: {
      before: async () => {
        if (cap !== null) await caps.set(cap);
      },
      after: () => caps.lift(),
    },
  });
  await rm(join(resultsFolder('loadtest'), testid), { recursive: true, force: true });
}

/**
 * Brings the stack to so many replicas, ready, and warm on campaigns of their own.
 *
 * @param cap CPUs of one replica in what is going to be measured; null: none
 */
export async function prepare(bench: Bench, replicas: number, cap: number | null): Promise<void> {
  const { stack, caps, k6, signal } = bench;
  await caps.untilHealthy(signal);
  await stack.up({ api: replicas, signal });
  await warmUp({
    ...{ stack, replicas, k6, signal },
    usersPerReplica: WARM_UP_USERS,
    onProgress: () => undefined,
    allowRemote: false,
  });
  for (let burst = 0; burst < BURSTS; burst += 1) await warmBurst(bench, replicas, null);
  for (let burst = 0; cap !== null && burst < CAPPED_BURSTS; burst += 1)
    await warmBurst(bench, replicas, cap);
  await warmReads(stack.frontUrl, replicas);
}
