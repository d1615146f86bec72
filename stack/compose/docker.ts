import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Lines of standard error that a failure quotes. */
const QUOTED_LINES = 30;

export interface RunOptions {
  /** Whole environment of the client; this process's own when absent. */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** Receives each line of standard output; nothing is collected then. */
  readonly onLine?: (line: string) => void;
  /** Ends the client with SIGTERM. */
  readonly signal?: AbortSignal | undefined;
  /** What `docker` says on standard error is part of the result too. */
  readonly withErrors?: boolean;
}

export class DockerError extends Error {
  override readonly name = 'DockerError';
}

/**
 * Runs the `docker` client and returns what it prints.
 *
 * @throws {DockerError} with the end of its standard error, on a non-zero exit or when there is no `docker`
 */
export async function docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
  options.signal?.throwIfAborted();
  const child = spawn('docker', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...(options.env ?? process.env) },
  });
  const stop = () => child.kill('SIGTERM');
  options.signal?.addEventListener('abort', stop, { once: true });
  const output: string[] = [];
  const errors: string[] = [];
  const stdout = createInterface({ input: child.stdout });
  stdout.on('line', options.onLine ?? ((line) => output.push(line)));
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (options.withErrors) output.push(line);
    if (line.trim()) errors.push(line);
    if (errors.length > QUOTED_LINES) errors.shift();
  });
  const read = new Promise((resolve) => stdout.once('close', resolve));
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    await read;
    options.signal?.throwIfAborted();
    if (status === 0) return output.join('\n');
  } catch (err) {
    if (options.signal?.aborted) throw err;
    throw new DockerError(`docker cannot be run: ${(err as Error).message}`, { cause: err });
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
  throw new DockerError(`docker ${args.join(' ')} failed:\n${errors.join('\n')}`);
}
