import { readEnvironment } from './env-file.js';
import { openNativeStack } from './native/native-stack.js';
import { engineAnswers, parseMode } from './select-mode.js';
import type { OpenStack, Stack, StackOptions } from './types.js';

export { ensureEnvFile } from './env-file.js';
export { engineAnswers, parseMode } from './select-mode.js';
export type * from './types.js';

const openCompose: OpenStack = async (options) => (await import('./compose.js')).openComposeStack(options);

/**
 * One stack, running or not. Mode: the option, else MODE in the environment or `.env`, else native when a native stack
 * of this name is running, else compose where an engine answers, else native.
 */
export async function openStack(options: StackOptions = {}): Promise<Stack> {
  const asked = options.mode ?? readEnvironment(options.env)['MODE'];
  if (asked) return await (parseMode(asked) === 'native' ? openNativeStack(options) : openCompose(options));
  if (!(await engineAnswers())) return await openNativeStack(options);
  if (process.platform !== 'linux') return await openCompose(options);
  const native = await openNativeStack(options);
  return (await native.replicas()) > 0 ? native : await openCompose(options);
}
