import type { Redis } from '../redis/connection.js';
import type { EntryFields } from '../redis/issued-entry.js';
import { allPartitions, CONSUMER_GROUP, streamKey } from '../redis/keys.js';

/** An entry of one partition's stream, delivered to this worker. */
export interface StreamEntry {
  partition: number;
  id: string;
  fields: EntryFields;
}

export interface PendingEntry {
  id: string;
  /** How often it has been delivered so far. */
  deliveries: number;
}

type RawEntry = [id: string, fields: string[] | null];

const TAKE_OVER_PAGE = 1_000;

export interface ConfirmOptions {
  /** Replicas that must hold what was read before it is written to MySQL; 0: none. */
  minReplicas: number;
  /** How long they may take, in ms. */
  replicaTimeoutMs: number;
}

const NO_REPLICAS: ConfirmOptions = { minReplicas: 0, replicaTimeoutMs: 0 };

/** Too few replicas hold what was read: the primary alone may be about to be replaced by one that never had it. */
export class UnconfirmedError extends Error {
  override readonly name = 'UnconfirmedError';
}

/** A reply of another shape than Redis documents. */
export class UnexpectedStreamReplyError extends Error {
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

  /** Makes what is missing; from the beginning of the stream, so that nothing written before is passed over. */
  async ensureGroups(): Promise<void> {
    await Promise.all(
      allPartitions().map((partition) =>
        this.redis
          .xgroup('CREATE', streamKey(partition), CONSUMER_GROUP, '0', 'MKSTREAM')
          .catch((err: Error) => {
            if (!err.message.startsWith('BUSYGROUP')) throw err;
          }),
      ),
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
   * Resolves when enough replicas hold everything read so far. Without it a rank could be in MySQL that a promoted replica
   * never had and gives to somebody else. The PING makes what comes before it count for WAIT, which looks at what this
   * connection did last. Throws `UnconfirmedError`: what was read stays pending.
   */
  async confirm(): Promise<void> {
    const { minReplicas, replicaTimeoutMs } = this.confirmation;
    if (minReplicas === 0) return;
    await this.redis.ping();
    const confirmed = await this.redis.wait(minReplicas, replicaTimeoutMs);
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

  /** Says that this worker is still at it. `uncount`: and that the deliveries so far were not the entries' fault. */
  async hold(entries: readonly StreamEntry[], uncount: boolean): Promise<void> {
    await this.#perPartition(entries, (partition, ids) =>
      this.redis.call(
        'XCLAIM',
        streamKey(partition),
        CONSUMER_GROUP,
        this.consumer,
        0,
        ...ids,
        ...(uncount ? ['RETRYCOUNT', 0] : []),
        'JUSTID',
      ),
    );
  }

  /** Done with these: only after the commit, or after the dead letter is written. */
  async settle(entries: readonly Pick<StreamEntry, 'partition' | 'id'>[]): Promise<void> {
    await this.#perPartition(entries, async (partition, ids) => {
      const key = streamKey(partition);
      const replies = await this.redis
        .multi()
        .xack(key, CONSUMER_GROUP, ...ids)
        .xdel(key, ...ids)
        .exec();
      for (const [err] of replies ?? []) if (err) throw err;
    });
  }

  async #perPartition(
    entries: readonly Pick<StreamEntry, 'partition' | 'id'>[],
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
