import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runScenario } from '../index.js';
import { warmUp } from '../warm-up.js';
import { planOf, type Bench } from './context.js';
import { dropKeptConnections } from './fresh-connections.js';

/** Of each replica, on kept connections: V8 has compiled the hot path by then. */
const WARM_UP_USERS = 3_000;
/**
 * Then bursts of fresh connections, so many users for each replica: another path, and a capped replica that still
 * compiles it pays 600 µs for an answer while one that has run before pays 250. A burst is dealt out at once, so the
 * unlucky replica would decide when it ends (seen: 4 replicas slower than 2).
 */
const BURST_USERS = 2_000;
/** Bursts are repeated until one costs hardly less CPU an answer than the one before: nothing is left to compile. */
const MOST_BURSTS = 6;
const STEADY = 0.92;
const READS_OF_EACH = 50;

/** k6 asks for the campaign before its burst, under the cap: the read path is warm by then too. */
async function warmReads(frontUrl: string, replicas: number): Promise<void> {
  const reads = Array.from({ length: replicas * READS_OF_EACH }, () =>
    fetch(`${frontUrl}/api/v1/coupons/1`).then((answer) => answer.arrayBuffer()),
  );
  await Promise.allSettled(reads);
}

/** @returns microseconds of replica CPU for each answer */
async function warmBurst(bench: Bench, replicas: number): Promise<number> {
  const { stack, k6, root, signal } = bench;
  await dropKeptConnections(stack);
  const plan = planOf({ scenario: 'peak', users: Math.min(8_000, replicas * BURST_USERS) });
  const options = { stack, replicas, plan, k6, root, signal, onProgress: () => undefined };
  const { testid, cpuMicrosPerAnswer } = await runScenario(options);
  await rm(join(root, 'loadtest', 'results', testid), { recursive: true, force: true });
  return cpuMicrosPerAnswer['api'] ?? 0;
}

/** Brings the stack to so many replicas, ready, and warm on a campaign of their own. */
export async function prepare(bench: Bench, replicas: number): Promise<void> {
  const { stack, caps, k6, root, signal } = bench;
  await caps.untilHealthy(signal);
  await stack.up({ api: replicas, signal });
  await warmUp({
    ...{ stack, replicas, k6, root, signal },
    usersPerReplica: WARM_UP_USERS,
    onProgress: () => undefined,
    allowRemote: false,
  });
  let before = Infinity;
  for (let burst = 0; burst < MOST_BURSTS; burst += 1) {
    const micros = await warmBurst(bench, replicas);
    if (micros > before * STEADY) break;
    before = micros;
  }
  await warmReads(stack.frontUrl, replicas);
}
