import { abortOnSignals, rejectOnAbort, say } from '../common/command-line.js';
import { openNativeStack } from '../stack/native/native-stack.js';
import type { NativeStack } from '../stack/types.js';

/** Two replicas and a worker, native, with data of their own; down again after the work, and after a signal. */
export async function withOwnStack<T>(
  name: string,
  env: Record<string, string>,
  work: (stack: NativeStack) => Promise<T>,
): Promise<T> {
  const stack = await openNativeStack({ name, env, onProgress: (line) => say(`    ${line}`) });
  const signal = abortOnSignals(() => 'the stack goes down');
  const interrupted = rejectOnAbort(signal);
  try {
    await stack.up({ api: 2, signal });
    return await Promise.race([interrupted, work(stack)]);
  } finally {
    await stack.down();
  }
}
