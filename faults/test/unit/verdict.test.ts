import { describe, expect, it } from '@jest/globals';
import type { Attempt } from '../../../loadtest/client-log.js';
import { checkClients, countAnswers, measureRecoveries } from '../../verdict.js';

const attempt = (userId: string, status: number, sentMs = 0, key = `${userId}.a`): Attempt => ({
  userId,
  key,
  sentMs,
  answer: {
    status,
    rank: null,
    durationMs: 10,
    errorCode: status === 0 ? 1220 : 0,
    replayed: false,
    code: null,
  },
});

describe('measureRecoveries', () => {
  it('counts from the end of a fault to the last failed answer before the next one', () => {
    const injections = [
      { what: 'first', atMs: 1_000, liftedMs: 1_500 },
      { what: 'second', atMs: 5_000, liftedMs: 5_000 },
    ];
    const attempts = [
      attempt('a', 503, 1_100),
      attempt('b', 0, 2_000),
      attempt('c', 200, 4_000),
      attempt('d', 503, 5_190),
    ];
    expect(measureRecoveries(attempts, injections)).toEqual([510, 200]);
  });

  it('is 0 when no client noticed, or nothing failed after the end of the fault', () => {
    const injections = [{ what: 'one', atMs: 1_000, liftedMs: 3_000 }];
    expect(measureRecoveries([attempt('a', 200, 1_100)], injections)).toEqual([0]);
    expect(measureRecoveries([attempt('a', 503, 1_100)], injections)).toEqual([0]);
  });
});

describe('checkClients', () => {
  it('accepts a user who is told 200 after tries without an answer', () => {
    const { falseRejections, faults } = checkClients([attempt('a', 0), attempt('a', 503), attempt('a', 200)]);
    expect([falseRejections.size, faults]).toEqual([0, []]);
  });

  it('complains when a user is told 409 for its own first key', () => {
    expect(checkClients([attempt('a', 503), attempt('a', 409)]).falseRejections).toEqual(new Set(['a']));
  });

  it('accepts 409 for another key of the same user', () => {
    const tries = [attempt('a', 200), attempt('a', 409, 0, 'a.b')];
    expect(checkClients(tries).falseRejections.size).toBe(0);
  });

  it('complains about users without a definite answer, about 500 and about anything but 200, 409 and 410', () => {
    const { faults } = checkClients([
      attempt('a', 503),
      attempt('b', 500),
      attempt('b', 200),
      attempt('c', 404),
    ]);
    expect(faults).toEqual([
      '1 users were told 404',
      '1 users never had a definite answer',
      '1 answers were 500, 502 or 504 instead of 503',
    ]);
  });
});

describe('countAnswers', () => {
  it('counts every try by what came of it', () => {
    expect(countAnswers([attempt('a', 0), attempt('a', 200), attempt('b', 200)])).toEqual({
      '200': 2,
      broken: 1,
    });
  });
});
