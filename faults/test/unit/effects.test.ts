import { describe, expect, it } from '@jest/globals';
import type { Answer, Attempt } from '../../../loadtest/client-log.js';
import { checkMet, checkNoticed, countIssuedWhileAway } from '../../effects.js';
import { isFailed } from '../../verdict.js';
import { checkMoments } from '../../scenarios/campaign.js';

const TOOK_MS = 10;

/** A try that is answered at this moment. */
const answered = (atMs: number, status: number, more: Partial<Answer> = {}): Attempt => ({
  userId: `u${atMs}`,
  key: `u${atMs}.a`,
  sentMs: atMs - TOOK_MS,
  answer: { status, rank: null, durationMs: TOOK_MS, errorCode: 0, replayed: false, code: null, ...more },
});

const injections = [1_000, 2_000].map((atMs) => ({ what: 'kill', atMs, liftedMs: atMs + 500 }));

describe('a fault', () => {
  it('has met a rush when coupons were issued after at least half of the faults', () => {
    expect(checkMet(injections, [answered(1_400, 200)])).toEqual([]);
    expect(checkMet(injections, [answered(900, 200), answered(1_400, 410)])).toEqual([
      'only 0 of 2 faults came while coupons were being issued',
    ]);
    expect(checkMet(injections, [answered(1_400, 200, { replayed: true })])).toHaveLength(1);
  });

  it('that every client must notice has happened when each cost somebody a failed try', () => {
    expect(checkNoticed(injections, [answered(1_100, 503), answered(2_100, 0)], isFailed)).toEqual([]);
    expect(checkNoticed(injections, [answered(1_100, 503), answered(2_100, 200)], isFailed)).toEqual([
      'only 1 of 2 faults were noticed by a client',
    ]);
  });

  it('leaves coupons to keep only while it is not being repaired', () => {
    const attempts = [answered(999, 200), answered(1_000, 200), answered(1_500, 200), answered(1_200, 410)];
    expect(countIssuedWhileAway(injections, attempts)).toBe(1);
  });
});

describe('raising and closing', () => {
  const moments = { raisedMs: 1_000, closeAskedMs: 2_000, closedMs: 2_050 };
  const soldOut = answered(900, 410, { code: 'sold-out' });
  const issued = answered(1_500, 200);
  const ended = answered(2_030, 410, { code: 'ended' });

  it('are sound when nobody is told anything before or after its time', () => {
    const inFlight = [answered(1_009, 410, { code: 'sold-out' }), answered(2_059, 200)];
    expect(checkMoments([soldOut, issued, ended, ...inFlight], moments)).toEqual([]);
  });

  it.each([
    ['a coupon after the closing was answered', answered(2_061, 200), 'after the closing was answered'],
    [
      'sold out after the raise was answered',
      answered(1_011, 410, { code: 'sold-out' }),
      'told sold out after',
    ],
    [
      'ended 3 ms before the closing was asked for',
      answered(1_997, 410, { code: 'ended' }),
      'told ended before',
    ],
  ])('are not when somebody is told %s', (_what, wrong, words) => {
    expect(checkMoments([soldOut, issued, ended, wrong], moments)).toEqual([expect.stringContaining(words)]);
  });

  it('are not tested when nobody was sold out, issued or told of the end', () => {
    expect(checkMoments([], moments)).toHaveLength(3);
  });
});
