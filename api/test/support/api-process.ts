import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import getPort from 'get-port';
import { call } from './calls.js';

const MAIN = join(process.cwd(), 'dist/api/src/main-api.js');

export interface ApiProcess {
  child: ChildProcess;
  url: string;
  port: number;
  /** Everything it wrote so far. */
  output: () => string;
  /** The exit status; null after a signal. */
  ended: Promise<number | null>;
}

const running: ChildProcess[] = [];

/** Starts the program that was built, with `info` as log level. It does not wait until it listens. */
export async function launchApi(env: Record<string, string>): Promise<ApiProcess> {
  if (!existsSync(MAIN)) throw new Error('npm run build comes first: this test starts what it built');
  const port = await getPort({ host: '127.0.0.1' });
  const child = spawn(process.execPath, [MAIN], {
    env: { HOST: '127.0.0.1', PORT: String(port), ...env, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, port, url: `http://127.0.0.1:${port}`, output: () => text, ended };
}

export const isReady = (url: string) => call(`${url}/readyz`).then(({ status }) => status === 200);

/** After each test. */
export function killApis(): void {
  for (const child of running.splice(0)) child.kill('SIGKILL');
}
