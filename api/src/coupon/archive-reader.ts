import type { OnOutcome } from './issue-batcher.js';
import type { IssuedStore } from './ports.js';
import type { CouponId, Existing, Issued, IssueOutcome, UserId } from './types.js';

/** Users in one query. */
const ROUND_MAX = 500;
/** Attempts that wait; more are told to come again. */
const WAITING_MAX = 10_000;

export type Archived = Exclude<Existing, 'live'>;

interface Waiting {
  archived: Archived;
  userId: UserId;
  fingerprint: string;
  onOutcome: OnOutcome;
}

/**
 * Answers for campaigns whose winners are in MySQL alone: the same answers as before, without Redis. One query at a time, for
 * many users of one coupon, so that late askers cannot keep MySQL busy.
 */
export class ArchiveReader {
  readonly #waiting = new Map<CouponId, Waiting[]>();
  #count = 0;
  #isReading = false;

  constructor(private readonly issued: Pick<IssuedStore, 'findHolders'>) {}

  /** `onOutcome` is called exactly once. */
  submit(couponId: CouponId, waiting: Waiting): void {
    if (this.#count >= WAITING_MAX) {
      waiting.onOutcome({ kind: 'notReady', reason: 'databaseUnavailable' });
      return;
    }
    this.#count += 1;
    const others = this.#waiting.get(couponId);
    if (others) others.push(waiting);
    else this.#waiting.set(couponId, [waiting]);
    if (!this.#isReading) void this.#readUntilNobodyWaits();
  }

  async #readUntilNobodyWaits(): Promise<void> {
    this.#isReading = true;
    for (let next = this.#takeRound(); next; next = this.#takeRound()) {
      const { couponId, round } = next;
      const holders = await this.issued
        .findHolders(
          couponId,
          round.map(({ userId }) => userId),
        )
        .catch(() => null);
      this.#count -= round.length;
      for (const one of round) {
        one.onOutcome(
          holders
            ? toOutcome(holders.get(one.userId), one)
            : { kind: 'notReady', reason: 'databaseUnavailable' },
        );
      }
    }
    this.#isReading = false;
  }

  #takeRound(): { couponId: CouponId; round: Waiting[] } | undefined {
    for (const [couponId, waiting] of this.#waiting) {
      const round = waiting.splice(0, ROUND_MAX);
      // To the end of the line, so that no coupon holds up the others.
      this.#waiting.delete(couponId);
      if (waiting.length > 0) this.#waiting.set(couponId, waiting);
      return { couponId, round };
    }
    return undefined;
  }
}

function toOutcome(held: Issued | undefined, { archived, fingerprint }: Waiting): IssueOutcome {
  if (!held) return { kind: archived === 'archivedEnded' ? 'ended' : 'soldOut' };
  const { rank, issuedAtMs } = held;
  return held.fingerprint === fingerprint
    ? { kind: 'issued', rank, issuedAtMs, replayed: true }
    : { kind: 'alreadyIssued', rank, issuedAtMs };
}
