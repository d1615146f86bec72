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

export interface NewCampaign {
  name: string;
  total: number;
  opensAt: Date;
  closesAt: Date | null;
}

/** What is absent stays as it is. */
export type CampaignChange = Partial<NewCampaign>;

/** What a campaign's existence means for its gate: once archived, MySQL alone answers. */
export type Existing = 'live' | 'archivedEnded' | 'archivedSoldOut';

/** One try of one user, as it is handed to the gate. */
export interface Attempt {
  userId: UserId;
  /** Of the attempt key: see attempt-key.ts. */
  fingerprint: string;
}

/** One coupon in one user's hands: what a 200 promised, what the stream carries and what MySQL keeps. */
export interface Issued {
  couponId: CouponId;
  userId: UserId;
  /** Place in line, 1…total. */
  rank: number;
  /** Milliseconds since the epoch, by Redis's clock. */
  issuedAtMs: number;
  /** Of the attempt key that won: see attempt-key.ts. Redis and MySQL call it `attempt`. */
  fingerprint: string;
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

/** What the gate of one coupon says of itself. */
export interface GateState {
  total: number;
  /** Highest rank handed out. */
  issued: number;
}

/** What Redis has of one coupon, in numbers. */
export interface GateCounts {
  isOpen: boolean;
  /** Highest rank handed out. */
  issued: number;
  /** Users that Redis knows as winners. */
  winners: number;
}

/** What MySQL knows of a gate. A gate in Redis that is behind it belongs to an old copy. */
export interface GateFence {
  generation: number;
  /** Highest rank that somebody has, in the rows and in the dead letters; 0: nobody. */
  highestRank: number;
}

/** What a comparison of a gate with MySQL came to. */
export type GateCheck =
  | { kind: 'checked'; generation: number }
  | { kind: 'shut' }
  /** It was open, with data older than MySQL's, and is shut now: the gate keeper opens it from MySQL. */
  | { kind: 'stale' };

/** What was issued and is not yet in MySQL. */
export interface Lag {
  /** Stream entries: batches, not coupons. */
  entries: number;
  /** Age of the oldest of them by Redis's clock, in ms; 0 when there is none. */
  oldestAgeMs: number;
}

export type ContradictionReason = 'rankTaken' | 'userHasAnotherRank' | 'rankBeyondTotal' | 'unknownCoupon';

/** A row that MySQL did not take because it has something else. Never expected; always worth an alarm. */
export interface Contradiction {
  issued: Issued;
  reason: ContradictionReason;
  /** What MySQL has in its place, if anything. */
  existing: { userId: UserId; rank: number } | null;
}

/** The right of a worker to write what it has read. */
export interface Lease {
  worker: string;
  token: string;
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
