import { run } from '../common/run-command.js';
import type { StackMode } from './types.js';

/** Whether a Docker engine with compose answers within five seconds. */
export async function engineAnswers(): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 });
    await run('docker', ['compose', 'version', '--short'], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

export function parseMode(text: string): StackMode {
  if (text === 'native' || text === 'compose') return text;
  throw new Error(`MODE is native or compose, not ${text}`);
}
