import { readEnvironment } from './env-file.js';
import { openNativeStack } from './native/native-stack.js';
import { engineAnswers, parseMode } from './select-mode.js';
import type { Stack, StackMode, StackOptions } from './types.js';

/**
 * One stack, running or not. Mode: the option, else MODE in the environment or `.env`, else native when a native stack
 * of this name is running, else compose where an engine answers, else native.
 */
export async function openStack(options: StackOptions = {}): Promise<Stack> {
  const environment = readEnvironment(options.env);
  const mode = await chooseMode(options, environment['MODE']);
  if (mode === 'compose') return await (await import('./compose.js')).openComposeStack(options);
  if (environment['HA'] === '1') throw new Error('HA=1 needs a Docker engine: it is a deployment of Compose');
  return await openNativeStack(options);
}

async function chooseMode(options: StackOptions, named: string | undefined): Promise<StackMode> {
  const asked = options.mode ?? named;
  if (asked) return parseMode(asked);
  if (!(await engineAnswers())) return 'native';
  if (process.platform !== 'linux') return 'compose';
  return (await (await openNativeStack(options)).replicas()) > 0 ? 'native' : 'compose';
}
