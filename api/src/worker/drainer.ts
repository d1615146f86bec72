import type { IssuedStore } from '../coupon/stores.js';
import type { Logger } from '../logger.js';
import type { Redis } from '../redis/connection.js';
import { allPartitions } from '../redis/keys.js';
import { backoffMs, pause } from './backoff.js';
import { addDeadLetter, type DeadLetterCause } from './dead-letters.js';
import { findFailedEntries, toBatches, type DrainBatch } from './drain-batch.js';
import {
  isGroupMissing,
  UnconfirmedError,
  type EntryStreams,
  type PendingEntry,
  type StreamEntry,
} from './entry-streams.js';
import type { IsolatedResult } from './persist-isolating.js';
import { Persister, StoppedError } from './persister.js';
import { ReadSize } from './read-size.js';
import type { WorkerMetrics } from './worker-metrics.js';

export interface DrainerOptions {
  /** Most rows in one statement. */
  rowsMax: number;
  blockMs: number;
  /** An entry pending for longer belongs to a dead worker. */
  claimIdleMs: number;
  /** Deliveries of an entry that ends the worker each time, and tries at a batch that fails for no reason we know. */
  maxDeliveries: number;
}

export interface DrainerDeps {
  streams: EntryStreams;
  redis: Redis;
  store: Pick<IssuedStore, 'persist'>;
  /**
   * Asks the database for nothing, and throws when it does not answer. Before anything is delivered once more: a worker that
   * is killed while it waits for its first connection must not count against the entry it has in hand.
   */
  pingDatabase?: () => Promise<unknown>;
  logger: Logger;
  metrics: WorkerMetrics;
}

/** Redis is needed for everything, and asking it costs little. */
const RETRY_FIRST_MS = 50;
const RETRY_MOST_MS = 1_000;
const RECOVER_PAGE = 200;
/** Deliveries after which an entry is tried alone: one that ends the worker must not drag others along. */
const SUSPECT_DELIVERIES = 2;

/**
 * Moves what was issued from the streams into MySQL.
 *
 *   RECOVER  Make missing groups. Take over what others left pending for `claimIdleMs`. Deliver to ourselves once more
 *            whatever is pending for us, in batches; suspects alone; what has had too many deliveries to the dead letters.
 *            → READ
 *   READ     Wait for new entries of all partitions. Nothing came → READ (or RECOVER when it is time to look for dead
 *            workers). Something came → DRAIN.
 *   DRAIN    Batch by batch: PERSIST, then dead letters for what cannot be written, then ack and delete. → READ
 *   PERSIST  One statement. Database unavailable → hold the claim, wait, again, for ever. Rows at fault → halve until they
 *            stand alone. Fault of no known kind → again a few times, then as if the rows were at fault.
 *
 * Any error of Redis in any state → wait → RECOVER: entries that were delivered and not settled are still pending for us,
 * whatever reply got lost. An entry is acked only after its commit, and writing it again changes nothing, so a crash at any
 * point, a second worker with the same entry and a worker that was stopped for an hour are all harmless.
 */
export class Drainer {
  readonly #stopping = new AbortController();
  readonly #readSize: ReadSize;
  readonly #persister: Persister;
  #running: Promise<void> | undefined;
  #inHand: Promise<unknown> = Promise.resolve();
  #failing = false;

  constructor(
    private readonly deps: DrainerDeps,
    private readonly options: DrainerOptions,
  ) {
    this.#readSize = new ReadSize(options.rowsMax);
    const { rowsMax, maxDeliveries } = options;
    this.#persister = new Persister(deps, { rowsMax, maxTries: maxDeliveries }, this.#stopping.signal);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Finishes the batch in hand; gives it back (it stays pending) when the database is away. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** False while Redis or the database keeps it from working. */
  get isHealthy(): boolean {
    return this.#running !== undefined && !this.#failing && !this.#persister.isFailing;
  }

  /** Resolves when what is in hand now has been written or given up. */
  async untilNothingInHand(): Promise<void> {
    await this.#inHand.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let recoverAtMs = 0;
    let failures = 0;
    while (!signal.aborted) {
      try {
        if (performance.now() >= recoverAtMs) {
          await this.#recover();
          recoverAtMs = performance.now() + this.options.claimIdleMs / 2;
        }
        await this.#readAndDrain();
        failures = 0;
        this.#failing = false;
      } catch (err) {
        if (err instanceof StoppedError) return;
        recoverAtMs = 0;
        if (isGroupMissing(err)) {
          this.deps.logger.warn('a stream is gone: Redis lost its data');
          continue;
        }
        this.#failing = true;
        failures += 1;
        if (failures === 1) this.deps.logger.warn({ err }, 'draining is interrupted');
        this.deps.streams.abandonRead();
        await pause(backoffMs(failures, RETRY_FIRST_MS, RETRY_MOST_MS), signal);
      }
    }
  }

  async #readAndDrain(): Promise<void> {
    const entries = await this.deps.streams.readNew(this.#readSize.entries, this.options.blockMs);
    if (entries.length > 0) await this.#takeInHand(entries);
  }

  async #recover(): Promise<void> {
    const { streams } = this.deps;
    await streams.ensureGroups();
    await Promise.all(
      allPartitions().map((partition) => streams.takeOver(partition, this.options.claimIdleMs)),
    );
    for (const partition of allPartitions()) {
      while (!this.#stopping.signal.aborted) {
        const pending = await streams.listOwnPending(partition, RECOVER_PAGE);
        if (pending.length === 0) break;
        await this.#redeliver(partition, pending);
      }
    }
  }

  async #redeliver(partition: number, pending: readonly PendingEntry[]): Promise<void> {
    const { streams, pingDatabase } = this.deps;
    await pingDatabase?.();
    const fine = pending.filter(({ deliveries }) => deliveries < SUSPECT_DELIVERIES);
    if (fine.length > 0) {
      const ids = fine.map(({ id }) => id);
      await this.#takeInHand(await streams.claim(partition, ids));
      return;
    }
    for (const { id, deliveries } of pending) {
      if (deliveries < this.options.maxDeliveries) {
        await this.#takeInHand(await streams.claim(partition, [id]));
        continue;
      }
      const entry = await streams.peek(partition, id);
      const detail = `delivered ${deliveries} times and never written`;
      if (entry) await this.#bury(entry, { reason: 'deliveredTooOften', detail, rows: [] });
      await streams.settle([{ partition, id }]);
    }
  }

  async #takeInHand(entries: readonly StreamEntry[]): Promise<void> {
    const work = this.#drain(entries);
    this.#inHand = work;
    // As long as we are at it, nobody else should think that we are dead.
    const holding = setInterval(() => {
      this.deps.streams.hold(entries, false).catch(() => undefined);
    }, this.options.claimIdleMs / 3);
    try {
      await work;
    } finally {
      clearInterval(holding);
    }
  }

  async #drain(entries: readonly StreamEntry[]): Promise<void> {
    let rows = 0;
    await this.#untilConfirmed(entries);
    for (const batch of toBatches(entries, this.options.rowsMax)) {
      rows += batch.rows.length;
      const uncount = () => this.deps.streams.hold(batch.entries, true).catch(() => undefined);
      const result = await this.#persister.persist(batch.rows, uncount);
      this.#report(batch, result);
      const failed = findFailedEntries(batch, result);
      for (const [entry, cause] of failed) await this.#bury(entry, cause);
      await this.deps.streams.settle([...batch.entries, ...batch.malformed.map(({ entry }) => entry)]);
    }
    this.#readSize.observe(entries.length, rows);
  }

  /** Replicas that are away are not the entries' fault: such tries do not count as deliveries. */
  async #untilConfirmed(entries: readonly StreamEntry[]): Promise<void> {
    const { streams, logger } = this.deps;
    for (let attempt = 1; ; attempt++) {
      try {
        await streams.confirm();
        return;
      } catch (err) {
        if (!(err instanceof UnconfirmedError)) throw err;
        this.#failing = true;
        if (attempt === 1) logger.warn({ reason: err.message }, 'nothing is written until replicas have it');
        await streams.hold(entries, true);
        if (this.#stopping.signal.aborted) throw new StoppedError();
        await pause(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MOST_MS), this.#stopping.signal);
      }
    }
  }

  async #bury(entry: StreamEntry, cause: DeadLetterCause): Promise<void> {
    const { logger, metrics, redis } = this.deps;
    await addDeadLetter(redis, entry, cause);
    metrics.deadLetters.inc({ reason: cause.reason });
    const { partition, id } = entry;
    logger.error({ partition, id, ...cause, rows: cause.rows.slice(0, 5) }, 'an entry became a dead letter');
  }

  #report(batch: DrainBatch, result: IsolatedResult): void {
    const { metrics } = this.deps;
    metrics.batches.inc();
    metrics.rows.inc({ kind: 'inserted' }, result.inserted);
    metrics.rows.inc({ kind: 'replayed' }, result.replayed);
    metrics.contradictions.inc(result.contradictions.length);
    if (batch.rows.length > 0) metrics.lastCommit.setToCurrentTime();
  }
}
