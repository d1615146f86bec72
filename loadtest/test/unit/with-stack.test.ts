import { describe, expect, it } from '@jest/globals';
import type { Stack } from '../../../stack/types.js';
import { withStack } from '../../with-stack.js';

/** Only what withStack uses of a stack, with a record of it. */
function stackWith(replicas: number) {
  const calls: string[] = [];
  const stack = {
    mode: 'native',
    isUp: async () => replicas > 0,
    replicas: async () => replicas,
    up: async ({ api }: { api: number }) => void calls.push(`up ${api}`),
    scale: async (api: number) => void calls.push(`scale ${api}`),
    down: async () => void calls.push('down'),
  } as unknown as Stack;
  return { stack, calls };
}

const options = (api?: number) => ({
  ...(api === undefined ? {} : { api }),
  onProgress: () => undefined,
  signal: new AbortController().signal,
});

describe('a stack borrowed for a run', () => {
  it('is taken down afterwards when it was down before', async () => {
    const { stack, calls } = stackWith(0);
    await expect(withStack(stack, options(), async (replicas) => replicas)).resolves.toBe(3);
    expect(calls).toEqual(['up 3', 'down']);
  });

  it('stays up, with the replicas it had, when it was up before', async () => {
    const { stack, calls } = stackWith(2);
    await expect(withStack(stack, options(), async (replicas) => replicas)).resolves.toBe(2);
    expect(calls).toEqual(['up 2']);
  });

  it('gets back the number of replicas it had', async () => {
    const { stack, calls } = stackWith(2);
    await withStack(stack, options(4), async () => undefined);
    expect(calls).toEqual(['up 4', 'scale 2']);
  });

  it('is taken down also when the work fails', async () => {
    const { stack, calls } = stackWith(0);
    const work = withStack(stack, options(1), () => Promise.reject(new Error('no luck')));
    await expect(work).rejects.toThrow('no luck');
    expect(calls).toEqual(['up 1', 'down']);
  });
});
