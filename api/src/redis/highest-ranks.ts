import type { CouponId, IssueOutcome } from '../coupon/types.js';

const COUPONS_MAX = 10_000;

/** The highest rank that this process was told of, for each of the coupons it had to do with lately. */
export class HighestRanks {
  readonly #highest = new Map<CouponId, number>();

  /** 0: none. */
  get(couponId: CouponId): number {
    return this.#highest.get(couponId) ?? 0;
  }

  note(couponId: CouponId, outcomes: readonly IssueOutcome[]): void {
    const before = this.#highest.get(couponId);
    let highest = before ?? 0;
    // By index: this is the hot path.
    for (let i = 0; i < outcomes.length; i += 1) {
      const outcome = outcomes[i]!;
      if ((outcome.kind === 'issued' || outcome.kind === 'alreadyIssued') && outcome.rank > highest)
        highest = outcome.rank;
    }
    if (highest === (before ?? 0)) return;
    // Maps keep insertion order: the first key is the oldest.
    if (before === undefined && this.#highest.size >= COUPONS_MAX)
      this.#highest.delete(this.#highest.keys().next().value!);
    this.#highest.set(couponId, highest);
  }
}
