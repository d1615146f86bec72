import type { Stack } from '../stack/types.js';

export interface WithStackOptions {
  /** Replicas; absent: those that run already, else DEFAULT_REPLICAS. */
  api?: number;
  onProgress: (line: string) => void;
  signal: AbortSignal;
}

const DEFAULT_REPLICAS = 3;

/**
 * Does `work` on a stack that is up and leaves everything as it was before: down if it was down, with as many replicas
 * as there were if it was up. Also when `work` throws or `signal` aborts it.
 */
export async function withStack<T>(
  stack: Stack,
  { api, onProgress, signal }: WithStackOptions,
  work: (replicas: number) => Promise<T>,
): Promise<T> {
  const before = (await stack.isUp()) ? await stack.replicas() : 0;
  const replicas = api ?? (before || DEFAULT_REPLICAS);
  try {
    if (before !== replicas) onProgress(`Stack (${stack.mode}): up with ${replicas} api replicas`);
    await stack.up({ api: replicas, signal });
    return await work(replicas);
  } finally {
    if (before === 0) {
      onProgress('Stack: down');
      await stack.down();
    } else if (before !== replicas) {
      onProgress(`Stack: back to ${before} api replicas`);
      await stack.scale(before);
    }
  }
}
