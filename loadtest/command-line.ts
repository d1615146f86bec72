/** Exit status after a signal. */
export const INTERRUPTED = 130;

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** The first signal stops the work in order, after `message`; a second one ends the process at once. */
export function abortOnSignals(message: () => string): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      say(`\n${name}: stopping, ${message()} (once more: at once)`);
      controller.abort(new Error('interrupted'));
    });
  }
  return controller.signal;
}

/** Every cause in the chain: a wrapped fault without its reason helps nobody. */
export function explain(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return err.cause === undefined ? err.message : `${err.message}\n  because: ${explain(err.cause)}`;
}
