import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { projectRoot } from '../../common/paths.js';

export interface JobOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Receives each line of standard output as it arrives. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const errorTailLength = 4_000;

/** Runs one Node program to its end. @throws with the end of its standard error on a non-zero exit */
export async function runJob({ args, env, onLine, signal }: JobOptions): Promise<void> {
  const child = spawn(process.execPath, ['--enable-source-maps', ...args], {
    cwd: projectRoot,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-errorTailLength);
  });
  const lines = createInterface({ input: child.stdout });
  let lastLines: string[] = [];
  lines.on('line', (line) => {
    lastLines = [...lastLines.slice(-4), line];
    onLine?.(line);
  });
  const drained = new Promise<void>((resolve) => lines.once('close', resolve));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  await drained;
  // Programs that log do so on standard output: what went wrong may be there.
  if (status !== 0) {
    const said = errors.trim() || (onLine ? '' : lastLines.join('\n'));
    throw new Error(`${args.join(' ')} ended with status ${status}: ${said}`);
  }
}
