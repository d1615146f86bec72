/** Positive integer, at most `Number.MAX_SAFE_INTEGER`: exact in JSON, in Lua's doubles and in MySQL's BIGINT. */
export type CouponId = number;

/** Opaque printable ASCII, 1 to 64 characters, compared byte for byte everywhere. */
export type UserId = string;

/** A campaign as MySQL holds it, which is the master copy. */
export interface Campaign {
  id: CouponId;
  name: string;
  /** How many coupons there are. Can be raised, never lowered. */
  total: number;
  opensAt: Date;
  /** Null: open until sold out or closed. */
  closesAt: Date | null;
  /** Set once, when an operator closes the campaign before its time. */
  closedAt: Date | null;
  /** Rises with each change. */
  revision: number;
  /** When its winners were removed from Redis: from then on MySQL alone answers. */
  archivedAt: Date | null;
}

/** One coupon in one user's hands: what a 200 promised, what the stream carries and what MySQL keeps. */
export interface Issued {
  couponId: CouponId;
  userId: UserId;
  /** Place in line, 1…total. */
  rank: number;
  /** Milliseconds since the epoch, by Redis's clock. */
  issuedAtMs: number;
  /** Fingerprint of the attempt key that won: see attempt-key.ts. */
  attempt: string;
}

/** What one attempt of one user came to. Every expected outcome is a value; only faults throw. */
export type IssueOutcome =
  | { kind: 'issued'; rank: number; issuedAtMs: number; replayed: boolean }
  | { kind: 'alreadyIssued'; rank: number; issuedAtMs: number }
  | { kind: 'soldOut' }
  | { kind: 'ended' }
  | { kind: 'notOpen'; opensAtMs: number; retryAfterMs: number }
  | { kind: 'unknownCoupon' }
  /** Nothing was promised: gate shut, Redis unreachable or backlog full. The same call may be repeated. */
  | { kind: 'notReady'; reason: 'gateShut' | 'redisUnavailable' | 'backlogFull' | 'databaseUnavailable' }
  /** The command was sent and no reply came: repeating it with the same attempt key tells. */
  | { kind: 'outcomeUnknown' };
