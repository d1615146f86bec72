import { LeaseLostError, type DeadLetterStore, type IssuedStore } from '../coupon/ports.js';
import type { CouponId, Lease } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import { allPartitions } from '../redis/keys.js';
import type { TraceDrain } from '../traces/drain-traces.js';
import { chooseBackoffMs } from './backoff.js';
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
} from '../redis/entry-streams.js';
import type { IsolatedResult } from './persist-isolating.js';
import { Persister, StoppedError } from './persister.js';
import { ReadSize } from './read-size.js';
import { pause, repeat, type Repetition } from './repeat.js';
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

interface DrainerDeps {
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
  traceDrain?: TraceDrain;
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
 * Moves what was issued from the streams into MySQL. Its states are its methods:
 *
 *   awaitLease     Wait for the right to write. What is read from here on is written under this lease or not at all.
 *                  → recover, when it is time to look for dead workers; else read
 *   recover        Make missing groups. Take over what others left pending for `claimIdleMs`. Whatever is pending for us
 *                  → redeliver. Nothing is left → read
 *   redeliver      Deliver it to ourselves once more → drain; suspects alone; what has had too many deliveries → giveUp
 *   read           Wait for new entries of all partitions. Something came → drain. → awaitLease
 *   drain          awaitReplicas, then batch by batch: persist, a dead letter for what cannot be written, then settle: ack and
 *                  delete. What only a later version can read → setAside
 *   awaitReplicas  Wait until replicas have it, where they must.
 *   persist        One statement. Database unavailable → keep the claim, wait, again, for ever. Rows at fault → halve until they
 *                  stand alone. Fault of no known kind → again a few times, then as if the rows were at fault.
 *
 * Lease lost, or any error of Redis, in any state → wait → awaitLease, recover: entries that were delivered and not settled are
 * still pending for us, whatever reply got lost. An entry is acked only after its commit, and writing it again changes nothing,
 * so a crash at any point, a second worker with the same entry and a worker that was stopped for an hour are all harmless.
 */
export class Drainer {
  readonly #stopping = new AbortController();
  readonly #readSize: ReadSize;
  readonly #persister: Persister;
  #draining: Repetition | undefined;
  /** From the lease to the end of `read`: what it reads is written or given up when it ends. */
  #cycle: Promise<unknown> = Promise.resolve();
  #recoverAtMs = 0;
  #lostLease: Lease | undefined;
  /** For a lease or for replicas. */
  #isWaiting = false;

  constructor(
    private readonly deps: DrainerDeps,
    private readonly options: DrainerOptions,
  ) {
    this.#readSize = new ReadSize(options.rowsMax);
    const { rowsMax, maxDeliveries } = options;
    this.#persister = new Persister(deps, { rowsMax, maxTries: maxDeliveries }, this.#stopping.signal);
  }

  start(): void {
    this.#draining ??= repeat(
      () => this.#run(),
      {
        name: 'draining',
        everyMs: 0,
        retryMs: (failures) => chooseBackoffMs(failures, RETRY_FIRST_MS, RETRY_MOST_MS),
        logger: this.deps.logger,
      },
      this.#stopping,
    );
  }

  /** Finishes the batch in hand; gives it back (it stays pending) when the database is away. */
  async stop(): Promise<void> {
    await this.#draining?.stop();
  }

  /** False while Redis or the database keeps it from working. */
  get isHealthy(): boolean {
    const { isFailing = true } = this.#draining ?? {};
    return !isFailing && !this.#isWaiting && !this.#persister.isFailing;
  }

  /** Resolves when everything that was read before this call has been written or given up. */
  async waitUntilWritten(): Promise<void> {
    await this.#cycle.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const lease = await this.#awaitLease();
    if (!lease) return;
    try {
      await (this.#cycle = this.#runCycle(lease));
      this.#isWaiting = false;
    } catch (err) {
      if (err instanceof StoppedError) return;
      this.#recoverAtMs = 0;
      if (isGroupMissing(err)) {
        this.deps.logger.warn('a stream is gone: Redis lost its data');
        return;
      }
      // With the one that was lost every try would fail.
      if (err instanceof LeaseLostError) this.#lostLease = lease;
      this.deps.streams.abandonRead();
      throw err;
    }
  }

  /** Null: stopped meanwhile. */
  async #awaitLease(): Promise<Lease | null> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const lease = this.deps.currentLease();
      if (lease && lease.token !== this.#lostLease?.token) return lease;
      this.#isWaiting = true;
      this.#recoverAtMs = 0;
      await pause(LEASE_POLL_MS, signal);
    }
    return null;
  }

  async #runCycle(lease: Lease): Promise<void> {
    if (performance.now() >= this.#recoverAtMs) {
      await this.#recover(lease);
      this.#recoverAtMs = performance.now() + this.options.claimIdleMs / 2;
    }
    await this.#read(lease);
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
      await this.#drain(await streams.claim(partition, ids), lease);
      return;
    }
    for (const { id, deliveries } of pending) {
      if (deliveries < this.options.maxDeliveries) {
        await this.#drain(await streams.claim(partition, [id]), lease);
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
    await this.#addDeadLetter(entry, couponId, cause);
    await this.deps.streams.settle([settled]);
  }

  async #read(lease: Lease): Promise<void> {
    const entries = await this.deps.streams.readNew(this.#readSize.entries, this.options.blockMs);
    if (entries.length > 0) await this.#drain(entries, lease);
  }

  async #drain(entries: readonly StreamEntry[], lease: Lease): Promise<void> {
    // As long as we are at it, nobody else should think that we are dead.
    const keepingClaims = setInterval(() => {
      this.deps.streams.keepClaims(entries).catch(() => undefined);
    }, this.options.claimIdleMs / 3);
    try {
      await this.#awaitReplicas(entries);
      let rows = 0;
      for (const batch of toBatches(entries, this.options.rowsMax)) {
        rows += batch.rows.length;
        await this.#trace(batch, () => this.#drainBatch(batch, lease));
      }
      this.#readSize.observe(entries.length, rows);
    } finally {
      clearInterval(keepingClaims);
    }
  }

  #trace(batch: DrainBatch, drain: () => Promise<void>): Promise<void> {
    const { traceDrain } = this.deps;
    if (!traceDrain) return drain();
    return traceDrain(
      batch.entries.flatMap(({ content }) => content.traceparent ?? []),
      drain,
    );
  }

  async #drainBatch(batch: DrainBatch, lease: Lease): Promise<void> {
    const { streams } = this.deps;
    const inHand = batch.entries.map(({ entry }) => entry);
    const uncount = () => streams.resetDeliveries(inHand).catch(() => undefined);
    const result = await this.#persister.persist(batch.rows, lease, uncount);
    this.#count(batch, result);
    for (const { entry, couponId, cause } of findFailedEntries(batch, result)) {
      await this.#addDeadLetter(entry, couponId, cause);
    }
    await streams.settle([
      ...batch.entries.map(toSettled),
      ...batch.malformed.map(({ entry }) => toSettledUnread(entry)),
    ]);
    if (batch.newer.length > 0) await this.#setAside(batch.newer);
  }

  /** Replicas that are away are not the entries' fault: such tries do not count as deliveries. */
  async #awaitReplicas(entries: readonly StreamEntry[]): Promise<void> {
    const { streams, logger } = this.deps;
    for (let tries = 1; ; tries++) {
      try {
        await streams.confirm(entries);
        return;
      } catch (err) {
        if (!(err instanceof UnconfirmedError)) throw err;
        this.#isWaiting = true;
        if (tries === 1) logger.warn({ reason: err.message }, 'nothing is written until replicas have it');
        await streams.resetDeliveries(entries);
        if (this.#stopping.signal.aborted) throw new StoppedError();
        await pause(chooseBackoffMs(tries, RETRY_FIRST_MS, RETRY_MOST_MS), this.#stopping.signal);
      }
    }
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

  /** Throws when the database is away: the entry stays pending and comes again. */
  async #addDeadLetter(entry: StreamEntry, couponId: CouponId | null, cause: DeadLetterCause): Promise<void> {
    const { logger, metrics, letters } = this.deps;
    const { partition, id, fields } = entry;
    await letters.add({ ...cause, partition, entryId: id, couponId, fields });
    metrics.deadLetters.inc({ reason: cause.reason });
    logger.error({ partition, id, ...cause, rows: cause.rows.slice(0, 5) }, 'an entry became a dead letter');
  }

  #count(batch: DrainBatch, result: IsolatedResult): void {
    const { metrics } = this.deps;
    metrics.batches.inc();
    metrics.rows.inc({ kind: 'inserted' }, result.inserted);
    metrics.rows.inc({ kind: 'replayed' }, result.replayed);
    metrics.contradictions.inc(result.contradictions.length);
    if (batch.rows.length > 0) metrics.lastCommit.setToCurrentTime();
  }
}
