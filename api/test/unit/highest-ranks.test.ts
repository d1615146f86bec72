import { describe, expect, test } from '@jest/globals';
import type { IssueOutcome } from '../../src/coupon/types.js';
import { HighestRanks } from '../../src/redis/highest-ranks.js';

const COUPONS_MAX = 10_000;

const issued = (rank: number): IssueOutcome => ({ kind: 'issued', rank, issuedAtMs: 1, replayed: false });
const alreadyIssued = (rank: number): IssueOutcome => ({ kind: 'alreadyIssued', rank, issuedAtMs: 1 });

describe('the highest rank that a replica has seen', () => {
  test('is 0 before anything was seen', () => {
    const ranks = new HighestRanks();
    ranks.note(1, [{ kind: 'soldOut' }, { kind: 'notReady', reason: 'gateShut' }]);
    expect(ranks.get(1)).toBe(0);
  });

  test('counts what somebody got and what somebody had, wherever it is in the batch', () => {
    const ranks = new HighestRanks();
    ranks.note(1, [issued(3), { kind: 'ended' }, alreadyIssued(9), issued(4)]);
    expect(ranks.get(1)).toBe(9);
  });

  test('never goes down, and is kept for each coupon apart', () => {
    const ranks = new HighestRanks();
    ranks.note(1, [issued(9)]);
    ranks.note(1, [alreadyIssued(2)]);
    ranks.note(2, [issued(1)]);
    expect([ranks.get(1), ranks.get(2)]).toEqual([9, 1]);
  });

  test('of the coupon noted first is forgotten when there are too many', () => {
    const ranks = new HighestRanks();
    for (let couponId = 1; couponId <= COUPONS_MAX; couponId++) ranks.note(couponId, [issued(5)]);
    ranks.note(1, [issued(6)]);
    expect([ranks.get(1), ranks.get(2)]).toEqual([6, 5]);
    ranks.note(COUPONS_MAX + 1, [issued(5)]);
    expect([ranks.get(1), ranks.get(2), ranks.get(COUPONS_MAX + 1)]).toEqual([0, 5, 5]);
  });
});
