import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
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

/** The last lines, for the message of a failure: a failed build tells the reason on either stream. */
class Tail {
  readonly #lines: string[] = [];

  readonly add = (line: string): void => {
    if (line.trim()) this.#lines.push(line);
    if (this.#lines.length > QUOTED_LINES) this.#lines.shift();
  };

  toString(): string {
    return this.#lines.join('\n');
  }
}

async function waitForExit(child: ChildProcess): Promise<number | null> {
  const [status] = (await once(child, 'close')) as [number | null];
  return status;
}

/**
 * Runs the `docker` client and returns what it prints.
 *
 * @throws {DockerError} with the end of what it said, on a non-zero exit or when there is no `docker`
 */
export async function docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { env = process.env, onLine, signal, withErrors } = options;
  signal?.throwIfAborted();
  const child = spawn('docker', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env } });
  const stop = (): boolean => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  const output: string[] = [];
  const tail = new Tail();
  const collect = (line: string): void => {
    output.push(line);
    tail.add(line);
  };
  const stdout = createInterface({ input: child.stdout }).on('line', onLine ?? collect);
  const stderr = createInterface({ input: child.stderr }).on('line', withErrors ? collect : tail.add);
  try {
    const [status] = await Promise.all([waitForExit(child), once(stdout, 'close'), once(stderr, 'close')]);
    signal?.throwIfAborted();
    if (status === 0) return output.join('\n');
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new DockerError(`docker cannot be run: ${(err as Error).message}`, { cause: err });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  throw new DockerError(`docker ${args.join(' ')} failed:\n${tail.toString()}`);
}
