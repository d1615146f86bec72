import type { CouponId } from '../coupon/types.js';
import type { Redis } from './connection.js';
import { countConfirmations, NO_REPLICAS, type ConfirmOptions } from './confirm-replicas.js';
import type { EntryFields } from './issued-entry.js';
import { allPartitions, CONSUMER_GROUP, streamKey, undrainedKey } from './keys.js';

/** An entry of one partition's stream, delivered to this worker. */
export interface StreamEntry {
  partition: number;
  id: string;
  fields: EntryFields;
}

/** What is to be settled of an entry. */
export interface SettledEntry {
  partition: number;
  id: string;
  couponId: CouponId;
  /** How many coupons it counts for in the backlog. */
  coupons: number;
}

export interface PendingEntry {
  id: string;
  /** How often it has been delivered so far. */
  deliveries: number;
}

type RawEntry = [id: string, fields: string[] | null];

const TAKE_OVER_PAGE = 1_000;
/** Three an entry: near 1 ms of Redis's time. */
const SETTLE_ARGUMENTS = 3 * 300;
/** Consumer that holds what only a later version can read, until a worker of that version takes it over. */
const NEWER_VERSION = 'newer-version';

/** Too few replicas hold what was read: the primary alone may be about to be replaced by one that never had it. */
export class UnconfirmedError extends Error {
  override readonly name = 'UnconfirmedError';
}

/** The server does not have what was read from it: another one has taken its place. What it has is read again. */
export class EntriesGoneError extends Error {
  override readonly name = 'EntriesGoneError';
}

/** A reply of another shape than Redis documents. */
class UnexpectedStreamReplyError extends Error {
  override readonly name = 'UnexpectedStreamReplyError';
}

function asArray(reply: unknown, command: string): unknown[] {
  if (!Array.isArray(reply)) throw new UnexpectedStreamReplyError(`${command} did not reply with an array`);
  return reply;
}

/** True when a stream or its group is gone, because Redis lost its data: make them again and go on. */
export const isGroupMissing = (err: unknown): boolean =>
  err instanceof Error && /NOGROUP|UNBLOCKED|key no longer exists/.test(err.message);

/** The Redis side of the drainer: every command on the streams, each reply checked. */
export class EntryStreams {
  constructor(
    /** For everything but the blocking read. */
    private readonly redis: Redis,
    /** Only for the blocking read: what shares its connection would wait for as long. */
    private readonly blocking: Redis,
    private readonly consumer: string,
    private readonly confirmation: ConfirmOptions = NO_REPLICAS,
  ) {}

  /** Makes what is missing. */
  async ensureGroups(): Promise<void> {
    await Promise.all(
      allPartitions().map((partition) => this.redis.ensureGroup(streamKey(partition), CONSUMER_GROUP)),
    );
  }

  /**
   * New entries of all partitions, at most `count` each; waits up to `blockMs` for the first. One command over all streams
   * needs them on one server: on Redis Cluster this becomes one call a partition (or slot), the rest stays.
   */
  async readNew(count: number, blockMs: number): Promise<StreamEntry[]> {
    const partitions = allPartitions();
    const reply = await this.blocking.xreadgroup(
      'GROUP',
      CONSUMER_GROUP,
      this.consumer,
      'COUNT',
      count,
      'BLOCK',
      blockMs,
      'STREAMS',
      ...partitions.map(streamKey),
      ...partitions.map(() => '>'),
    );
    if (reply === null) return [];
    const partitionByKey = new Map(partitions.map((partition) => [streamKey(partition), partition]));
    return asArray(reply, 'XREADGROUP').flatMap((stream) => {
      const [key, entries] = stream as [string, RawEntry[]];
      const partition = partitionByKey.get(key);
      if (partition === undefined) throw new UnexpectedStreamReplyError(`XREADGROUP replied for ${key}`);
      return toEntries(partition, entries);
    });
  }

  /**
   * Resolves when enough replicas hold these entries. Without it a rank could be in MySQL that a promoted replica never had
   * and gives to somebody else.
   *
   * WAIT covers what this connection wrote last, so it follows a write that always propagates, in the same breath and hence on
   * the same connection: claiming the newest entry of each partition, which also tells that this server has what was read, be
   * it from its predecessor. (A PING before WAIT does nothing from Redis 7.2 on.)
   *
   * Throws `UnconfirmedError` (what was read stays pending) and `EntriesGoneError`.
   */
  async confirm(entries: readonly StreamEntry[]): Promise<void> {
    const { minReplicas } = this.confirmation;
    if (minReplicas === 0 || entries.length === 0) return;
    const newest = [...new Map(entries.map((entry) => [entry.partition, entry])).values()];
    const claims = newest.map(({ partition, id }) => this.#claimIds(partition, [id]));
    const waiting = countConfirmations(this.redis, this.confirmation);
    const [claimed, confirmed] = await Promise.all([Promise.all(claims), waiting]);
    if (claimed.some((ids) => asArray(ids, 'XCLAIM').length !== 1))
      throw new EntriesGoneError('the server does not have the entries that were read');
    if (confirmed < minReplicas)
      throw new UnconfirmedError(`${confirmed} of ${minReplicas} replicas confirmed`);
  }

  /**
   * Drops the connection of the blocking read. After a read that timed out here, the server may still be waiting on it and
   * would hand new entries to nobody.
   */
  abandonRead(): void {
    // One that is not ready has no read waiting, and is being connected already.
    if (this.blocking.status === 'ready') this.blocking.disconnect(true);
  }

  /** Makes this worker the owner of what has been pending for `idleMs`; does not count as a delivery. */
  async takeOver(partition: number, idleMs: number): Promise<void> {
    const key = streamKey(partition);
    for (let cursor = '0-0'; ;) {
      const reply = await this.redis.xautoclaim(
        key,
        CONSUMER_GROUP,
        this.consumer,
        idleMs,
        cursor,
        'COUNT',
        TAKE_OVER_PAGE,
        'JUSTID',
      );
      cursor = String(asArray(reply, 'XAUTOCLAIM')[0]);
      if (cursor === '0-0') return;
    }
  }

  /** What is pending for this worker, oldest first. */
  async listOwnPending(partition: number, limit: number): Promise<PendingEntry[]> {
    const key = streamKey(partition);
    const reply = await this.redis.xpending(key, CONSUMER_GROUP, '-', '+', limit, this.consumer);
    return asArray(reply, 'XPENDING').map((row) => {
      const [id, , , deliveries] = row as [string, string, number, number];
      return { id, deliveries };
    });
  }

  /** Delivers these entries to this worker once more. Those that were deleted are gone from the pending list too. */
  async claim(partition: number, ids: readonly string[]): Promise<StreamEntry[]> {
    const reply = await this.redis.xclaim(streamKey(partition), CONSUMER_GROUP, this.consumer, 0, ...ids);
    return toEntries(partition, asArray(reply, 'XCLAIM') as RawEntry[]);
  }

  /** An entry as the stream has it, without delivering it. Null: deleted. */
  async peek(partition: number, id: string): Promise<StreamEntry | null> {
    const reply = await this.redis.xrange(streamKey(partition), id, id);
    return toEntries(partition, asArray(reply, 'XRANGE') as RawEntry[])[0] ?? null;
  }

  /** Says that this worker is still at it. */
  async keepClaims(entries: readonly StreamEntry[]): Promise<void> {
    await this.#forEachPartition(entries, (partition, ids) => this.#claimIds(partition, ids));
  }

  /** The same, and that the deliveries so far were not the entries' fault. */
  async resetDeliveries(entries: readonly StreamEntry[]): Promise<void> {
    await this.#forEachPartition(entries, (partition, ids) =>
      this.#claimIds(partition, ids, { deliveries: 0 }),
    );
  }

  /** Leaves entries to a worker of a later version, which takes them over as those of a dead worker. */
  async setAside(entries: readonly StreamEntry[]): Promise<void> {
    await this.#forEachPartition(entries, (partition, ids) =>
      this.#claimIds(partition, ids, { consumer: NEWER_VERSION, deliveries: 0 }),
    );
  }

  /** Done with these: only after the commit, or after the dead letter is written. */
  async settle(entries: readonly SettledEntry[]): Promise<void> {
    const byPartition = new Map<number, (string | number)[]>();
    for (const { partition, id, couponId, coupons } of entries) {
      const args = byPartition.get(partition);
      if (args) args.push(id, couponId, coupons);
      else byPartition.set(partition, [id, couponId, coupons]);
    }
    await Promise.all(
      [...byPartition].flatMap(([partition, args]) => {
        const keys = [streamKey(partition), undrainedKey(partition)] as const;
        const calls: Promise<unknown>[] = [];
        for (let start = 0; start < args.length; start += SETTLE_ARGUMENTS)
          calls.push(
            this.redis.settleEntries(...keys, CONSUMER_GROUP, ...args.slice(start, start + SETTLE_ARGUMENTS)),
          );
        return calls;
      }),
    );
  }

  /** XCLAIM … JUSTID, which counts as no delivery. Returns the ids that were there to be claimed. */
  #claimIds(
    partition: number,
    ids: readonly string[],
    { consumer = this.consumer, deliveries }: { consumer?: string; deliveries?: number } = {},
  ): Promise<unknown> {
    const key = streamKey(partition);
    const count = deliveries === undefined ? [] : ['RETRYCOUNT', deliveries];
    return this.redis.call('XCLAIM', key, CONSUMER_GROUP, consumer, 0, ...ids, ...count, 'JUSTID');
  }

  async #forEachPartition(
    entries: readonly StreamEntry[],
    command: (partition: number, ids: string[]) => Promise<unknown>,
  ): Promise<void> {
    const ids = new Map<number, string[]>();
    for (const { partition, id } of entries) {
      const ofPartition = ids.get(partition);
      if (ofPartition) ofPartition.push(id);
      else ids.set(partition, [id]);
    }
    await Promise.all([...ids].map(([partition, ofPartition]) => command(partition, ofPartition)));
  }
}

/** Entries that were deleted come with no fields. */
const toEntries = (partition: number, raw: readonly RawEntry[]): StreamEntry[] =>
  raw.flatMap((entry) => (entry?.[1] ? [{ partition, id: entry[0], fields: entry[1] }] : []));
