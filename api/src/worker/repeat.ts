import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logger.js';

interface RepeatOptions {
  /** What is repeated, for the log. */
  name: string;
  /** From the end of one run to the beginning of the next, in ms. */
  everyMs: number;
  /** The same after so many failed runs in a row. Default: `everyMs`. */
  retryMs?: (failures: number) => number;
  logger: Logger;
}

export interface Repetition {
  /** The last run failed. */
  readonly isFailing: boolean;
  /** Resolves when the run under way has ended; its signal tells it to hurry. */
  stop(): Promise<void>;
}

/**
 * Does the work again and again, from now on until it is stopped. A run that throws is repeated like any other; the log has the
 * first failure in a row, and the first success after it.
 */
export function repeat(
  work: (signal: AbortSignal) => Promise<unknown>,
  { name, everyMs, retryMs = () => everyMs, logger }: RepeatOptions,
  stopping = new AbortController(),
): Repetition {
  const { signal } = stopping;
  let failures = 0;

  const runOnce = async (): Promise<void> => {
    try {
      await work(signal);
      if (failures > 0) logger.info({ failures }, `${name}: works again`);
      failures = 0;
    } catch (err) {
      failures += 1;
      if (failures === 1) logger.warn({ err }, `${name}: failed, is tried again`);
    }
  };
  const runUntilStopped = async (): Promise<void> => {
    while (!signal.aborted) {
      await runOnce();
      await pause(failures === 0 ? everyMs : retryMs(failures), signal);
    }
  };

  const running = runUntilStopped();
  return {
    get isFailing() {
      return failures > 0;
    },
    stop: () => {
      stopping.abort();
      return running;
    },
  };
}

/** Resolves early, without an error, when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => undefined);
}
