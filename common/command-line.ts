/** Exit status after a signal. */
export const INTERRUPTED = 130;
let interrupted = false;

/** Whether a signal of `abortOnSignals` has come. */
export const wasInterrupted = (): boolean => interrupted;

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

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
