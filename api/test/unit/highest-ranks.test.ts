import { describe, expect, it } from '@jest/globals';
import type { IssueOutcome } from '../../src/coupon/types.js';
import { HighestRanks } from '../../src/redis/highest-ranks.js';

const issued = (rank: number): IssueOutcome => ({ kind: 'issued', rank, issuedAtMs: 1, replayed: false });

describe('the highest ranks that a process was told of', () => {
  it('never go down, and come from coupons that were issued now or before', () => {
    const seen = new HighestRanks();
    expect(seen.of(1)).toBe(0);
    seen.note(1, [issued(3), issued(7), { kind: 'soldOut' }]);
    seen.note(1, [issued(5), { kind: 'notReady', reason: 'gateShut' }]);
    expect(seen.of(1)).toBe(7);
    seen.note(1, [{ kind: 'alreadyIssued', rank: 9, issuedAtMs: 1 }]);
    expect([seen.of(1), seen.of(2)]).toEqual([9, 0]);
  });

  it('are forgotten for the coupon that was met first rather than grow', () => {
    const seen = new HighestRanks();
    for (let couponId = 1; couponId <= 10_001; couponId += 1) seen.note(couponId, [issued(1)]);
    expect([seen.of(1), seen.of(2), seen.of(10_001)]).toEqual([0, 1, 1]);
  });
});
