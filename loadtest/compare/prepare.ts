import { warmUp } from '../warm-up.js';
import type { Bench } from './context.js';

/**
 * Of each replica. V8 must have compiled the hot path in all of them: a burst is dealt out at once, and the replica that
 * still pays 300 µs for an answer ends long after one that pays 150 µs.
 */
const WARM_UP_USERS = 5_000;
const READS_OF_EACH = 50;

/** k6 asks for the campaign before its burst, under the cap: the read path is warm by then too. */
async function warmReads(frontUrl: string, replicas: number): Promise<void> {
  const reads = Array.from({ length: replicas * READS_OF_EACH }, () =>
    fetch(`${frontUrl}/api/v1/coupons/1`).then((answer) => answer.arrayBuffer()),
  );
  await Promise.allSettled(reads);
}

/** Brings the stack to so many replicas, ready, and warm on a campaign of their own. */
export async function prepare(bench: Bench, replicas: number): Promise<void> {
  const { stack, k6, root, signal } = bench;
  await stack.up({ api: replicas, signal });
  await warmUp({
    ...{ stack, replicas, k6, root, signal },
    usersPerReplica: WARM_UP_USERS,
    onProgress: () => undefined,
    allowRemote: false,
  });
  await warmReads(stack.frontUrl, replicas);
}
