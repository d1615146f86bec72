import type { CouponGate } from './ports.js';
import type { Attempt, CouponId, IssueOutcome } from './types.js';

type IssueGate = Pick<CouponGate, 'issue'>;

/** Larger than any id that the database gives, and for V8 a number of the same kind. */
export const REHEARSED_COUPON: CouponId = 2 ** 31 - 1;

/** Of eight attempts in a rush: what most of them come to, and the others once each. */
function makeOutcome(index: number): IssueOutcome {
  const held = { rank: index + 1, issuedAtMs: Date.now() };
  if (index % 8 === 5) return { kind: 'issued', ...held, replayed: true };
  if (index % 8 === 6) return { kind: 'alreadyIssued', ...held };
  if (index % 8 === 7) return { kind: 'soldOut' };
  return { kind: 'issued', ...held, replayed: false };
}

/**
 * Stands before the real gate, so that a replica can rehearse its hot path before it listens. While it rehearses, outcomes
 * are made up. The real gate is asked all the same, for its own path to be warm, about a coupon that has no gate: its script
 * writes nothing then.
 */
export class RehearsalGate implements IssueGate {
  #isRehearsing = false;

  constructor(private readonly gate: IssueGate) {}

  issue(couponId: CouponId, attempts: readonly Attempt[]): Promise<IssueOutcome[]> {
    const isRehearsed = this.#isRehearsing && couponId === REHEARSED_COUPON;
    return isRehearsed ? this.#rehearse(attempts) : this.gate.issue(couponId, attempts);
  }

  get isRehearsing(): boolean {
    return this.#isRehearsing;
  }

  /** Makes up outcomes of `REHEARSED_COUPON` until `work` has ended. */
  async rehearse(work: () => Promise<void>): Promise<void> {
    this.#isRehearsing = true;
    try {
      await work();
    } finally {
      this.#isRehearsing = false;
    }
  }

  async #rehearse(attempts: readonly Attempt[]): Promise<IssueOutcome[]> {
    await this.gate.issue(REHEARSED_COUPON, attempts);
    return attempts.map((_, index) => makeOutcome(index));
  }
}
