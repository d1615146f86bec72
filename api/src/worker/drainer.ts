import { LeaseLostError, type DeadLetterStore, type IssuedStore, type Lease } from '../coupon/stores.js';
import type { CouponId } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import { allPartitions } from '../redis/keys.js';
import { backoffMs, pause } from './backoff.js';
import {
  describeUndeliverable,
  findFailedEntries,
  toBatches,
  toSettled,
  toSettledUnread,
  type DeadLetterCause,
  type DrainBatch,
} from './drain-batch.js';
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
  store: Pick<IssuedStore, 'persist'>;
  letters: Pick<DeadLetterStore, 'add'>;
  /** The lease under which to write what is read from now on; null: not now. */
  currentLease: () => Lease | null;
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
/** How often to look whether there is a lease. */
const LEASE_POLL_MS = 50;
/** Deliveries after which an entry is tried alone: one that ends the worker must not drag others along. */
const SUSPECT_DELIVERIES = 2;

/**
 * Moves what was issued from the streams into MySQL.
 *
 *   LEASE    Wait for the right to write. What is read from here on is written under this lease or not at all. → RECOVER, READ
 *   RECOVER  Make missing groups. Take over what others left pending for `claimIdleMs`. Deliver to ourselves once more
 *            whatever is pending for us, in batches; suspects alone; what has had too many deliveries to the dead letters.
 *            → READ
 *   READ     Wait for new entries of all partitions. Nothing came → READ (or RECOVER when it is time to look for dead
 *            workers). Something came → DRAIN.
 *   DRAIN    Wait until replicas have it, where they must. Batch by batch: PERSIST, then dead letters for what cannot be
 *            written, then ack and delete; what only a later version can read is left to it. → LEASE
 *   PERSIST  One statement. Database unavailable → hold the claim, wait, again, for ever. Rows at fault → halve until they
 *            stand alone. Fault of no known kind → again a few times, then as if the rows were at fault.
 *
 * Lease lost, or any error of Redis, in any state → wait → LEASE, RECOVER: entries that were delivered and not settled are still pending for us,
 * whatever reply got lost. An entry is acked only after its commit, and writing it again changes nothing, so a crash at any
 * point, a second worker with the same entry and a worker that was stopped for an hour are all harmless.
 */
export class Drainer {
  readonly #stopping = new AbortController();
  readonly #readSize: ReadSize;
  readonly #persister: Persister;
  #running: Promise<void> | undefined;
  /** Of the cycle under way: what it reads is written or given up when it ends. */
  #cycle: Promise<unknown> = Promise.resolve();
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

  /** Resolves when everything that was read before this call has been written or given up. */
  async untilNothingHeld(): Promise<void> {
    await this.#cycle.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let recoverAtMs = 0;
    let failures = 0;
    while (!signal.aborted) {
      const lease = this.deps.currentLease();
      if (!lease) {
        this.#failing = true;
        recoverAtMs = 0;
        await pause(LEASE_POLL_MS, signal);
        continue;
      }
      try {
        const isTimeToRecover = performance.now() >= recoverAtMs;
        await (this.#cycle = this.#runCycle(lease, isTimeToRecover));
        if (isTimeToRecover) recoverAtMs = performance.now() + this.options.claimIdleMs / 2;
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
        if (err instanceof LeaseLostError) await this.#untilAnotherLease(lease);
        this.deps.streams.abandonRead();
        await pause(backoffMs(failures, RETRY_FIRST_MS, RETRY_MOST_MS), signal);
      }
    }
  }

  async #runCycle(lease: Lease, recoverFirst: boolean): Promise<void> {
    if (recoverFirst) await this.#recover(lease);
    const entries = await this.deps.streams.readNew(this.#readSize.entries, this.options.blockMs);
    if (entries.length > 0) await this.#takeInHand(entries, lease);
  }

  /** With the one that was lost every try would fail. */
  async #untilAnotherLease(lost: Lease): Promise<void> {
    while (this.deps.currentLease()?.token === lost.token && !this.#stopping.signal.aborted)
      await pause(LEASE_POLL_MS, this.#stopping.signal);
  }

  async #recover(lease: Lease): Promise<void> {
    const { streams } = this.deps;
    await streams.ensureGroups();
    await Promise.all(
      allPartitions().map((partition) => streams.takeOver(partition, this.options.claimIdleMs)),
    );
    for (const partition of allPartitions()) {
      while (!this.#stopping.signal.aborted) {
        const pending = await streams.listOwnPending(partition, RECOVER_PAGE);
        if (pending.length === 0) break;
        await this.#redeliver(partition, pending, lease);
      }
    }
  }

  async #redeliver(partition: number, pending: readonly PendingEntry[], lease: Lease): Promise<void> {
    const { streams, pingDatabase } = this.deps;
    await pingDatabase?.();
    const fine = pending.filter(({ deliveries }) => deliveries < SUSPECT_DELIVERIES);
    if (fine.length > 0) {
      const ids = fine.map(({ id }) => id);
      await this.#takeInHand(await streams.claim(partition, ids), lease);
      return;
    }
    for (const { id, deliveries } of pending) {
      if (deliveries < this.options.maxDeliveries) {
        await this.#takeInHand(await streams.claim(partition, [id]), lease);
        continue;
      }
      const entry = await streams.peek(partition, id);
      if (entry) await this.#giveUp(entry, deliveries);
      else await streams.settle([toSettledUnread({ partition, id })]);
    }
  }

  async #giveUp(entry: StreamEntry, deliveries: number): Promise<void> {
    const { couponId, cause, settled, isNewer } = describeUndeliverable(entry, deliveries);
    if (isNewer) return await this.#setAside([entry]);
    await this.#bury(entry, couponId, cause);
    await this.deps.streams.settle([settled]);
  }

  async #takeInHand(entries: readonly StreamEntry[], lease: Lease): Promise<void> {
    // As long as we are at it, nobody else should think that we are dead.
    const holding = setInterval(() => {
      this.deps.streams.hold(entries).catch(() => undefined);
    }, this.options.claimIdleMs / 3);
    try {
      await this.#drain(entries, lease);
    } finally {
      clearInterval(holding);
    }
  }

  async #drain(entries: readonly StreamEntry[], lease: Lease): Promise<void> {
    const { streams } = this.deps;
    let rows = 0;
    await this.#untilConfirmed(entries);
    for (const batch of toBatches(entries, this.options.rowsMax)) {
      rows += batch.rows.length;
      const inHand = batch.entries.map(({ entry }) => entry);
      const uncount = () => streams.holdUncounted(inHand).catch(() => undefined);
      const result = await this.#persister.persist(batch.rows, lease, uncount);
      this.#report(batch, result);
      for (const { entry, couponId, cause } of findFailedEntries(batch, result)) {
        await this.#bury(entry, couponId, cause);
      }
      await streams.settle([
        ...batch.entries.map(toSettled),
        ...batch.malformed.map(({ entry }) => toSettledUnread(entry)),
      ]);
      if (batch.newer.length > 0) await this.#setAside(batch.newer);
    }
    this.#readSize.observe(entries.length, rows);
  }

  async #setAside(entries: readonly StreamEntry[]): Promise<void> {
    const { streams, metrics, logger } = this.deps;
    await streams.setAside(entries);
    metrics.setAside.inc(entries.length);
    logger.error(
      { entries: entries.length },
      'entries of a later version are left to a worker of that version',
    );
  }

  /** Replicas that are away are not the entries' fault: such tries do not count as deliveries. */
  async #untilConfirmed(entries: readonly StreamEntry[]): Promise<void> {
    const { streams, logger } = this.deps;
    for (let attempt = 1; ; attempt++) {
      try {
        await streams.confirm(entries);
        return;
      } catch (err) {
        if (!(err instanceof UnconfirmedError)) throw err;
        this.#failing = true;
        if (attempt === 1) logger.warn({ reason: err.message }, 'nothing is written until replicas have it');
        await streams.holdUncounted(entries);
        if (this.#stopping.signal.aborted) throw new StoppedError();
        await pause(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MOST_MS), this.#stopping.signal);
      }
    }
  }

  /** Throws when the database is away: the entry stays pending and comes again. */
  async #bury(entry: StreamEntry, couponId: CouponId | null, cause: DeadLetterCause): Promise<void> {
    const { logger, metrics, letters } = this.deps;
    const { partition, id, fields } = entry;
    await letters.add({ ...cause, partition, entryId: id, couponId, fields });
    metrics.deadLetters.inc({ reason: cause.reason });
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
