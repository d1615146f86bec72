import { parseArgs, type ParseArgsConfig } from 'node:util';

/** Exit status after a signal. */
const INTERRUPTED = 130;
let interrupted = false;

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Its message tells what is wrong with the command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Node's `parseArgs`. @throws {UsageError} */
export function readArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

interface Range {
  readonly least?: number;
  readonly most?: number;
  readonly whole?: boolean;
}

/**
 * The number that an option was given, undefined when it is absent; given empty (a Makefile's unset variable) it counts as
 * absent.
 *
 * @throws {UsageError} when it is no number, or out of range
 */
export function readNumber(
  name: string,
  text: string | undefined,
  { least = 1, most = Number.MAX_SAFE_INTEGER, whole = true }: Range = {},
): number | undefined {
  if (!text) return undefined;
  const value = Number(text);
  if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  const upTo = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
  throw new UsageError(
    `${name} ${text}: expected a ${whole ? 'whole number' : 'number'} from ${least}${upTo}`,
  );
}

/** The same for an option that takes one of a few words. @throws {UsageError} */
export function readChoice<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): T | undefined {
  if (!text) return undefined;
  const found = known.find((one) => one === text);
  if (found === undefined) throw new UsageError(`${name} is ${known.join(' or ')}, not ${text}`);
  return found;
}

/** The first signal stops the work in order, after `message`; a second one ends the process at once. */
export function abortOnSignals(message: () => string): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (interrupted) process.exit(INTERRUPTED);
      interrupted = true;
      say(`\n${name}: stopping, ${message()} (once more: at once)`);
      controller.abort(new Error('interrupted'));
    });
  }
  return controller.signal;
}

/** Rejects when `signal` aborts: raced with work that knows of no signal, so that what was started is stopped all the same. */
export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const rejected = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  );
  // Until somebody waits for it.
  rejected.catch(() => undefined);
  return rejected;
}

/** Every cause in the chain: a wrapped fault without its reason helps nobody. */
export function explain(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return err.cause === undefined ? err.message : `${err.message}\n  because: ${explain(err.cause)}`;
}

/**
 * Whoever read the output may have seen enough (`make reconcile | head -1`): that is no fault. What only reads `end`s
 * then. What changes something must `goOn`, unheard, to its end: half a start is worse than a line that nobody reads.
 */
export function allowClosedOutput(then: 'end' | 'goOn'): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (then === 'end') process.exit(0);
  });
}

/**
 * Runs a program to its exit status: the one `main` resolves with, 2 when the command line is wrong, 130 after a signal, 1
 * when `main` rejects.
 */
export async function runMain(main: () => Promise<number>, usage = ''): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (err) {
    const isUsage = err instanceof UsageError;
    process.exitCode = isUsage ? 2 : interrupted ? INTERRUPTED : 1;
    if (isUsage) process.stderr.write(`${err.message}\n${usage && `\n${usage}\n`}`);
    else if (!interrupted) process.stderr.write(`✗ ${explain(err)}\n`);
  }
  // Work that was given up may still wait for something.
  if (interrupted) process.exit();
}
