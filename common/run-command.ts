import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program to its end. @returns its output @throws when it fails, with `stderr` */
export const run = promisify(execFile);

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/** Standard output of a short command; null when it is missing or fails. */
export async function readOutput(
  command: string,
  args: string[],
  options: RunOptions = {},
): Promise<string | null> {
  const { timeoutMs = 15_000, ...rest } = options;
  try {
    const { stdout } = await run(command, args, { ...rest, timeout: timeoutMs, maxBuffer: 1 << 24 });
    return stdout;
  } catch {
    options.signal?.throwIfAborted();
    return null;
  }
}
