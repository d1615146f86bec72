import type { Campaign, CouponId, IssueOutcome, Issued, UserId } from './types.js';

/** One try of one user, as it is handed to the gate. */
export interface Attempt {
  userId: UserId;
  /** Fingerprint of the attempt key. */
  attempt: string;
}

/** What the gate of one coupon says of itself. */
export interface GateState {
  total: number;
  /** Highest rank handed out. */
  issued: number;
}

/** The place where everything that must be atomic is decided. Implemented by Redis. */
export interface CouponGate {
  /**
   * One outcome an attempt, in order. Never throws: what cannot be decided is `notReady`, what may have been is
   * `outcomeUnknown`.
   */
  issue(couponId: CouponId, attempts: readonly Attempt[]): Promise<IssueOutcome[]>;
  /** Null: the gate is shut. Throws when Redis cannot be asked. */
  read(couponId: CouponId): Promise<GateState | null>;
  readMany(couponIds: readonly CouponId[]): Promise<(GateState | null)[]>;
  /** Brings an open gate in line with MySQL; false when it is shut. */
  update(campaign: Campaign): Promise<boolean>;
  /** What each of these users holds and MySQL may not have yet, in order. */
  findUndrained(userIds: readonly UserId[]): Promise<Issued[][]>;
}
