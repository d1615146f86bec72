import type { Campaign, CouponId, Issued, UserId } from './types.js';

export interface NewCampaign {
  name: string;
  total: number;
  opensAt: Date;
  closesAt: Date | null;
}

/** What is absent stays as it is. */
export type CampaignChange = Partial<NewCampaign>;

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
  winners(): AsyncIterable<Issued[]>;
  /**
   * What the dead letters have of it. `issued`: who was promised a coupon and is not among the winners. `highestRank`: that
   * somebody was told of, also where MySQL has something else by now; 0: none.
   */
  unwritten(): Promise<{ issued: Issued[]; highestRank: number }>;
  /** From now on MySQL alone answers. */
  archive(): Promise<void>;
  /** Begins the next generation of the gate and returns it: what has an earlier one is an old copy from now on. */
  nextGeneration(): Promise<number>;
}

/** What a campaign's existence means for its gate: once archived, MySQL alone answers. */
export type Existing = 'live' | 'archivedEnded' | 'archivedSoldOut';

/** What MySQL knows of a gate. A gate in Redis that is behind it belongs to an old copy. */
export interface GateFence {
  generation: number;
  /** Highest rank that somebody has, in the rows and in the dead letters; 0: nobody. */
  highestRank: number;
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

export type ContradictionReason = 'rankTaken' | 'userHasAnotherRank' | 'rankBeyondTotal' | 'unknownCoupon';

/** A row that MySQL did not take because it holds a different fact. Never expected; always worth an alarm. */
export interface Contradiction {
  issued: Issued;
  reason: ContradictionReason;
  /** What MySQL has in its place, if anything. */
  existing: { userId: UserId; rank: number } | null;
}

export interface PersistResult {
  /** Rows that are new. */
  inserted: number;
  /** Rows that were there already, the same fact. */
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

/** The right of a worker to write what it has read. */
export interface Lease {
  worker: string;
  token: string;
}

/** The lease was taken away: what was read under it may be superseded, and must be read again. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/**
 * Which workers may hold entries that are in Redis no more. Before a lost gate is opened from MySQL, everything that was read
 * before the loss must be written or given up: a barrier is raised, each worker passes it when it holds nothing that it read
 * before, and who does not answer loses its lease. Every method throws when the database cannot be asked.
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

export type DeadLetterReason = 'malformed' | 'refused' | 'contradiction' | 'deliveredTooOften';

/** A row of an entry that could not be written, and why. */
export interface DeadRow extends Issued {
  reason: string;
  /** What MySQL has in its place, if that is the reason. */
  existing?: { userId: UserId; rank: number } | null;
}

export interface NewDeadLetter {
  partition: number;
  /** Id the entry had in its stream. */
  entryId: string;
  /** Null: not an entry of this service. */
  couponId: CouponId | null;
  reason: DeadLetterReason;
  detail: string;
  rows: readonly DeadRow[];
  /** The entry as it was: names and values in turn. */
  fields: readonly string[];
}

export interface DeadLetter extends NewDeadLetter {
  id: number;
}

/** Entries that could not be written, until an operator replays or drops them. Every method throws without the database. */
export interface DeadLetterStore {
  /** The same entry again changes nothing. */
  add(letter: NewDeadLetter): Promise<void>;
  /** Oldest first, in pages. */
  list(): AsyncIterable<DeadLetter>;
  /** Those of a partition, or all. */
  count(partition?: number): Promise<number>;
  countOfCoupon(couponId: CouponId): Promise<number>;
  remove(id: number): Promise<void>;
}
