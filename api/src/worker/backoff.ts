import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Exponential with full jitter in its upper half, so that several workers do not come back in step. `attempt` starts at 1;
 * all times in ms.
 */
export function backoffMs(attempt: number, firstMs: number, mostMs: number, random = Math.random): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** Resolves early, without an error, when the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
