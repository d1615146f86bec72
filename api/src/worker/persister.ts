import { type IssuedStore, LeaseLostError } from '../coupon/ports.js';
import type { Issued, Lease } from '../coupon/types.js';
import { classifyDatabaseError, describeError } from '../db/database-error.js';
import type { Logger } from '../logger.js';
import { chooseBackoffMs } from './backoff.js';
import { merge, NOTHING_PERSISTED, persistIsolating, type IsolatedResult } from './persist-isolating.js';
import { pause } from './repeat.js';
import type { WorkerMetrics } from './worker-metrics.js';

/** The worker is closing and the database does not answer: what is in hand stays pending in Redis. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

interface PersisterDeps {
  store: Pick<IssuedStore, 'persist'>;
  logger: Logger;
  metrics: Pick<WorkerMetrics, 'persistFailures'>;
}

interface PersisterOptions {
  /** Most rows in one statement. */
  rowsMax: number;
  /** Tries at rows that fail for no reason we know. */
  maxTries: number;
}

const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;

/** Writes rows until it is done with them, however long the database is away. */
export class Persister {
  #failing = false;

  constructor(
    private readonly deps: PersisterDeps,
    private readonly options: PersisterOptions,
    private readonly signal: AbortSignal,
  ) {}

  /** True between a failed try and the next that succeeds. */
  get isFailing(): boolean {
    return this.#failing;
  }

  /**
   * `onUnavailable` is called after each try that failed because the database is unavailable. Throws `StoppedError` when the
   * signal aborts meanwhile, and `LeaseLostError`, nothing else.
   */
  async persist(
    rows: readonly Issued[],
    lease: Lease,
    onUnavailable: () => Promise<void>,
  ): Promise<IsolatedResult> {
    let result = NOTHING_PERSISTED;
    for (let start = 0; start < rows.length; start += this.options.rowsMax) {
      const part = rows.slice(start, start + this.options.rowsMax);
      result = merge(result, await this.#persistUntilDone(part, lease, onUnavailable));
      this.#failing = false;
    }
    return result;
  }

  async #persistUntilDone(
    rows: readonly Issued[],
    lease: Lease,
    onUnavailable: () => Promise<void>,
  ): Promise<IsolatedResult> {
    const { store, logger, metrics } = this.deps;
    let isolate = false;
    for (let tries = 1; ; tries++) {
      try {
        return isolate
          ? await persistIsolating(store, rows, lease)
          : { ...(await store.persist(rows, lease)), refusals: [] };
      } catch (err) {
        if (err instanceof LeaseLostError) throw err;
        const fault = classifyDatabaseError(err);
        metrics.persistFailures.inc({ fault });
        isolate ||= fault === 'data' || (fault === 'unknown' && tries >= this.options.maxTries);
        if (fault === 'data') continue;
        this.#failing = true;
        if (tries === 1 || tries % 10 === 0) {
          logger.warn(
            { fault, tries, rows: rows.length, reason: describeError(err) },
            'a batch is not written yet',
          );
        }
        if (fault === 'unavailable') await onUnavailable();
        if (this.signal.aborted) throw new StoppedError();
        await pause(chooseBackoffMs(tries, RETRY_FIRST_MS, RETRY_MOST_MS), this.signal);
      }
    }
  }
}
