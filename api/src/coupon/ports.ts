import type {
  Attempt,
  Campaign,
  CampaignChange,
  Contradiction,
  CouponId,
  DeadLetter,
  Existing,
  GateCheck,
  GateCounts,
  GateFence,
  GateState,
  Issued,
  IssueOutcome,
  Lag,
  Lease,
  NewCampaign,
  NewDeadLetter,
  UserId,
} from './types.js';

/** What the use cases need of Redis (`redis/`) and of MySQL (`db/`). */

/** The place where everything that must be atomic is decided. Implemented by Redis. */
export interface CouponGate {
  /**
   * One outcome an attempt, in order. Never throws: what cannot be decided is `notReady`, what may have been is
   * `outcomeUnknown`. `traceparent`: for what is issued to be followed into MySQL.
   */
  issue(couponId: CouponId, attempts: readonly Attempt[], traceparent?: string): Promise<IssueOutcome[]>;
  /** Null: the gate is shut. Throws when Redis cannot be asked. */
  read(couponId: CouponId): Promise<GateState | null>;
  readMany(couponIds: readonly CouponId[]): Promise<(GateState | null)[]>;
  /** Brings an open gate in line with MySQL; false when it is shut. */
  update(campaign: Campaign): Promise<boolean>;
  /** What each of these users holds and MySQL may not have yet, in order. */
  findUndrained(userIds: readonly UserId[]): Promise<Issued[][]>;
}

/** What opening a gate needs of the place where coupons are decided. Every method throws when Redis does not answer. */
export interface GateOpener {
  isOpen(couponId: CouponId): Promise<boolean>;
  /**
   * Resolves with true when everything issued before this call has left the coupons' streams; with false after `withinMs`,
   * or when the signal aborts.
   */
  waitUntilDrained(couponIds: readonly CouponId[], withinMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Forgets the winners of a shut gate: an old copy may have some that MySQL never had. */
  clearWinners(couponId: CouponId): Promise<void>;
  /** Puts winners in place while the gate is shut. Repeating it is harmless. */
  putWinners(winners: readonly Issued[]): Promise<void>;
  /**
   * Opens the gate, and returns the rank after which it goes on: `highestRank`, or a higher one that somebody was told of.
   * Null: it is open already.
   */
  open(campaign: Campaign, highestRank: number, generation: number): Promise<number | null>;
}

export interface GateChecker {
  /** Throws when Redis does not answer. */
  check(couponId: CouponId, fence: GateFence): Promise<GateCheck>;
}

export interface GateCounter {
  /** Throws when Redis does not answer. */
  count(couponId: CouponId): Promise<GateCounts>;
}

/** What Redis has of memory. Null: it has no limit. Throws when it does not answer. */
export type ReadMemory = () => Promise<{ usedBytes: number; maxBytes: number } | null>;

/** Of the partition of a coupon. Throws when Redis cannot be asked. */
export type ReadLag = (couponId: CouponId) => Promise<Lag>;

export type CampaignUpdate =
  | { kind: 'updated'; campaign: Campaign }
  | { kind: 'unknownCoupon' }
  /** Somebody may hold a coupon beyond the lower total. */
  | { kind: 'totalMayOnlyRise'; campaign: Campaign }
  /** `closesAt` would not be after `opensAt`. */
  | { kind: 'windowInvalid'; campaign: Campaign };

/** A campaign whose row nobody else can change, and to which nobody else can add a winner, until the work is done. */
export interface LockedCampaign {
  campaign: Campaign;
  /** Everyone MySQL has, by rank, in pages. */
  readWinners(): AsyncIterable<Issued[]>;
  /**
   * What the dead letters have of it. `issued`: who was promised a coupon and is not among the winners. `highestRank`: that
   * somebody was told of, also where MySQL has something else by now; 0: none.
   */
  readUnwritten(): Promise<{ issued: Issued[]; highestRank: number }>;
  /** From now on MySQL alone answers. */
  archive(): Promise<void>;
  /** Begins the next generation of the gate and returns it: what has an earlier one is an old copy from now on. */
  beginGeneration(): Promise<number>;
}

/** Campaigns as MySQL holds them. Every method throws when the database cannot be asked. */
export interface CampaignStore {
  create(campaign: NewCampaign): Promise<Campaign>;
  get(couponId: CouponId): Promise<Campaign | null>;
  /** Ordered by id, starting after `afterId` (0: from the first), at most `limit`. */
  list(page: { afterId: CouponId; limit: number }): Promise<Campaign[]>;
  update(couponId: CouponId, change: CampaignChange): Promise<CampaignUpdate>;
  /** Closes it now. A closed one keeps its time. Null: unknown coupon. */
  close(couponId: CouponId): Promise<Campaign | null>;
  /** Those of the ids that exist, in one query, and whether Redis should have them. */
  findExisting(couponIds: readonly CouponId[]): Promise<ReadonlyMap<CouponId, Existing>>;
  /** Ids of campaigns that were over before `overBefore` (ended, closed or sold out) and are not archived, at most `limit`. */
  listArchivable(overBefore: Date, limit: number): Promise<CouponId[]>;
  /** Coupons of live campaigns that nobody has yet, by MySQL. */
  countRemaining(): Promise<number>;
  /**
   * Those that are not archived, like `list` in pages. `changedWithinMs`: only those changed so lately, by MySQL's clock, and
   * then also those that were archived meanwhile.
   */
  listLive(page: { afterId: CouponId; limit: number; changedWithinMs?: number }): Promise<Campaign[]>;
  /** By coupon, in one query for each thousand. Ids that do not exist are left out. */
  readFences(couponIds: readonly CouponId[]): Promise<Map<CouponId, GateFence>>;
  /** The gate in Redis is ahead (a commit failed after it was opened): never goes down. */
  raiseGeneration(couponId: CouponId, generation: number): Promise<void>;
  /**
   * Remembers that the gate of this coupon is about to be opened. True: for the first time, so nothing can have been issued
   * before. False: it was opened before, or there is no such coupon.
   */
  markGateOpening(couponId: CouponId): Promise<boolean>;
  /** Null: unknown coupon. Waits for drain transactions in flight and for another holder, a few seconds at most. */
  withLocked<T>(couponId: CouponId, work: (locked: LockedCampaign) => Promise<T>): Promise<T | null>;
}

export interface PersistResult {
  /** Rows that are new. */
  inserted: number;
  /** Rows that were there already: the same user on the same rank. */
  replayed: number;
  contradictions: Contradiction[];
}

/** Who holds which coupon, as MySQL has it. Every method throws when the database cannot be asked. */
export interface IssuedStore {
  /**
   * One statement, one transaction: when it returns, everything but the contradictions is committed. Repeating it is
   * harmless. Throws without having written anything when one row is not acceptable at all (too long, out of range), and
   * `LeaseLostError` when the lease is not there any more.
   */
  persist(batch: readonly Issued[], lease: Lease): Promise<PersistResult>;
  countByCoupon(couponId: CouponId): Promise<number>;
  /** What these users hold of one coupon, in one query. */
  findHolders(couponId: CouponId, userIds: readonly UserId[]): Promise<Map<UserId, Issued>>;
  /** By rank, in pages. */
  streamByCoupon(couponId: CouponId): AsyncIterable<Issued[]>;
  /** Newest first, at most `limit` (default 1,000). */
  listByUser(userId: UserId, limit?: number): Promise<Issued[]>;
}

/** The lease was taken away: what was read under it may be superseded, and must be read again. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/**
 * Which workers may have entries in hand that are in Redis no more. Before a lost gate is opened from MySQL, everything that
 * was read before the loss must be written or given up: a barrier is raised, each worker passes it when it has nothing in
 * hand that it read before, and who does not answer loses its lease. Every method throws when the database cannot be asked.
 */
export interface LeaseStore {
  /** A new lease; one that this worker had before is lost with it. */
  acquire(worker: string): Promise<Lease>;
  /** Prolongs it, and says which barrier the worker has passed. Returns the newest barrier; null: the lease was lost. */
  renew(lease: Lease, passed: number): Promise<number | null>;
  release(lease: Lease): Promise<void>;
  raiseBarrier(): Promise<number>;
  /** Workers that have not passed it, with leases that run out (`expired`) or not. */
  countBehind(barrier: number): Promise<{ live: number; expired: number }>;
  /** Takes the leases away that have run out and did not pass. Waits for statements in flight. */
  revokeExpired(barrier: number): Promise<void>;
}

/** Entries that could not be written, until an operator replays or drops them. Every method throws without the database. */
export interface DeadLetterStore {
  /** The same entry again changes nothing. */
  add(letter: NewDeadLetter): Promise<void>;
  /** Oldest first, in pages. */
  list(): AsyncIterable<DeadLetter>;
  /** Those of a partition, or all. */
  count(partition?: number): Promise<number>;
  countByCoupon(couponId: CouponId): Promise<number>;
  remove(id: number): Promise<void>;
}
