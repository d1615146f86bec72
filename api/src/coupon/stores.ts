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
  /** Those of the ids that exist, in one query. */
  findExisting(couponIds: readonly CouponId[]): Promise<ReadonlySet<CouponId>>;
  /** Those that did not end before `endedAfter`, like `list` in pages. */
  listLive(page: { afterId: CouponId; limit: number; endedAfter: Date }): Promise<Campaign[]>;
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
   * harmless. Throws without having written anything when one row is not acceptable at all (too long, out of range).
   */
  persist(batch: readonly Issued[]): Promise<PersistResult>;
  countByCoupon(couponId: CouponId): Promise<number>;
  /** By rank, in pages. */
  streamByCoupon(couponId: CouponId): AsyncIterable<Issued[]>;
  /** Newest first, at most `limit` (default 1,000). */
  listByUser(userId: UserId, limit?: number): Promise<Issued[]>;
}
