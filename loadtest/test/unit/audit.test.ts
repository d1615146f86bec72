import { describe, expect, it } from '@jest/globals';
import { audit, FAULTS, isClean, type Audit } from '../../audit.js';
import type { Answer, Attempt } from '../../client-log.js';
import type { Facts, Holding } from '../../facts.js';

const T0 = 1_800_000_000_000;
const TOTAL = 3;

const holding = (userId: string, rank: number): Holding => ({ userId, rank, issuedAtMs: T0 + rank });
const answer = (status: number, rank: number | null, more: Partial<Answer> = {}): Answer => ({
  status,
  rank,
  durationMs: 100,
  errorCode: 0,
  replayed: false,
  code: null,
  ...more,
});
const told = (userId: string, given: Answer | null, key: string | null = null): Attempt => ({
  userId,
  key,
  sentMs: T0,
  answer: given,
});

const both = (...holdings: Holding[]): Pick<Facts, 'redis' | 'mysql'> => ({
  redis: holdings,
  mysql: holdings,
});
const facts = (more: Partial<Facts> = {}): Facts => ({
  total: TOTAL,
  gate: true,
  issued: 0,
  redis: [],
  mysql: [],
  streamEntries: 0,
  deadLetters: 0,
  readAtMs: T0 + 60_000,
  ...more,
});

/** Which categories are not zero, so that a test also shows what is *not* reported. */
const found = (result: Audit): Partial<Record<(typeof FAULTS)[number], number>> =>
  Object.fromEntries(FAULTS.filter((fault) => result[fault] > 0).map((fault) => [fault, result[fault]]));

const auditOf = (given: Facts, attempts: Attempt[] | null = null): Audit => audit({ facts: given, attempts });

describe('the audit of clients, Redis and MySQL', () => {
  it('finds nothing when winners, rejections and both stores agree', () => {
    const result = auditOf(facts(both(holding('a', 1), holding('b', 2), holding('c', 3))), [
      told('a', answer(200, 1)),
      told('a', answer(409, 1, { code: 'already-issued' }), 'second'),
      told('a', answer(200, 1, { replayed: true }), 'first again'),
      told('b', answer(200, 2)),
      told('c', answer(200, 3)),
      told('d', answer(410, null, { code: 'sold-out' })),
    ]);
    expect(found(result)).toEqual({});
    expect(isClean(result)).toBe(true);
  });

  it('reports a user as lost who was told 200 and is not in MySQL', () => {
    const result = auditOf(facts(both(holding('a', 1))), [
      told('a', answer(200, 1)),
      told('b', answer(200, 2)),
    ]);
    expect(found(result)).toEqual({ lost: 1 });
    expect(result.details.lost).toEqual(['user b was told 200 with rank 2, not in MySQL']);
    expect(isClean(result)).toBe(false);
  });

  it('reports a user as lost who was told 409 with a rank that only Redis has', () => {
    const result = auditOf(facts({ redis: [holding('a', 1)] }), [
      told('a', null),
      told('a', answer(409, 1), 'b'),
    ]);
    expect(found(result)).toEqual({ lost: 1, unpersisted: 1 });
  });

  it('finds one loss among as many rows as promises, where counts alone agree', () => {
    const result = auditOf(facts(both(holding('a', 1), holding('z', 2))), [
      told('a', answer(200, 1)),
      told('b', answer(200, 2)),
      told('z', null),
    ]);
    expect(found(result)).toEqual({ lost: 1 });
  });

  it('reports a user with two rows as duplicated', () => {
    const rows = [holding('a', 1), holding('a', 2)];
    expect(found(auditOf(facts({ redis: [holding('a', 1)], mysql: rows })))).toMatchObject({ duplicated: 1 });
  });

  it('reports a user as duplicated whose rank in Redis differs from the one in MySQL', () => {
    const result = auditOf(facts({ redis: [holding('a', 1)], mysql: [holding('a', 2)] }));
    expect(found(result)).toEqual({ duplicated: 1 });
  });

  it('reports a user as duplicated who was promised two coupons, and the rank that is not held', () => {
    const result = auditOf(facts(both(holding('a', 1))), [
      told('a', answer(200, 1), 'k1'),
      told('a', answer(200, 2), 'k2'),
    ]);
    expect(found(result)).toEqual({ duplicated: 1, falseRejections: 1 });
  });

  it('reports a rank beyond the stock as oversold', () => {
    expect(found(auditOf(facts(both(holding('a', TOTAL), holding('b', TOTAL + 1)))))).toEqual({
      oversold: 1,
    });
  });

  it('reports a rank below one as oversold', () => {
    expect(found(auditOf(facts(both(holding('a', 0)))))).toEqual({ oversold: 1 });
  });

  it('reports two users on one rank as oversold, also across the stores', () => {
    expect(found(auditOf(facts(both(holding('a', 1), holding('b', 1)))))).toEqual({ oversold: 1 });
    const across = auditOf(facts({ redis: [holding('a', 1)], mysql: [holding('b', 1)] }));
    expect(found(across)).toEqual({ oversold: 1, unpersisted: 1, missingInRedis: 1 });
  });

  it('reports a holder who never asked as a phantom, but not when there is no client log', () => {
    const given = facts(both(holding('a', 1), holding('ghost', 2)));
    expect(found(auditOf(given, [told('a', answer(200, 1))]))).toEqual({ phantom: 1 });
    expect(found(auditOf(given))).toEqual({});
  });

  it('does not take a winner whose answer was lost for a phantom', () => {
    expect(found(auditOf(facts(both(holding('a', 1))), [told('a', null)]))).toEqual({});
  });

  it('tells user ids apart byte by byte', () => {
    const result = auditOf(facts(both(holding('A', 1))), [told('a', answer(200, 1))]);
    expect(found(result)).toEqual({ lost: 1, phantom: 1 });
  });

  it('reports a user in Redis and not in MySQL as unpersisted', () => {
    const result = auditOf(facts({ redis: [holding('a', 1), holding('b', 2)], mysql: [holding('a', 1)] }));
    expect(found(result)).toEqual({ unpersisted: 1 });
  });

  it('reports a user in MySQL whom an open gate does not know, but not when Redis lost the campaign', () => {
    const rows = [holding('a', 1)];
    expect(found(auditOf(facts({ mysql: rows })))).toEqual({ missingInRedis: 1 });
    expect(found(auditOf(facts({ mysql: rows, gate: false })))).toEqual({});
  });

  it('leaves out what was issued after Redis had been read', () => {
    expect(found(auditOf(facts({ mysql: [holding('a', 1)], readAtMs: T0 })))).toEqual({});
  });

  it('reports dead letters', () => {
    expect(found(auditOf(facts({ deadLetters: 2 })))).toEqual({ deadLetters: 2 });
  });
});

describe('the audit of rejections', () => {
  it('reports a 409 for a user who holds nothing', () => {
    const result = auditOf(facts(), [told('a', answer(409, null))]);
    expect(found(result)).toEqual({ falseRejections: 1 });
  });

  it('reports a 200 or 409 with another rank than the one held', () => {
    const given = facts(both(holding('a', 1), holding('b', 2)));
    const result = auditOf(given, [
      told('a', answer(200, 2)),
      told('b', answer(200, 2)),
      told('b', answer(409, 1), 'k'),
    ]);
    expect(found(result)).toEqual({ falseRejections: 2 });
  });

  it('reports a 410 while coupons are left', () => {
    const result = auditOf(facts(both(holding('a', 1))), [
      told('a', answer(200, 1)),
      told('b', answer(410, null, { code: 'sold-out' })),
    ]);
    expect(found(result)).toEqual({ falseRejections: 1 });
  });

  it('accepts a 410 while coupons are left when the campaign had ended', () => {
    const result = auditOf(facts(), [told('b', answer(410, null, { code: 'ended' }))]);
    expect(found(result)).toEqual({});
  });

  it('accepts a 410 while coupons are left when the stock was raised meanwhile', () => {
    const attempts = [told('b', answer(410, null, { code: 'sold-out' }))];
    expect(found(audit({ facts: facts(), attempts, stockRaised: true }))).toEqual({});
  });

  it('reports a 410 that was answered before the last coupon went', () => {
    const soldLate = [holding('a', 1), holding('b', 2), { ...holding('c', 3), issuedAtMs: T0 + 500 }];
    const result = auditOf(facts(both(...soldLate)), [
      ...['a', 'b', 'c'].map((userId, i) => told(userId, answer(200, i + 1, { durationMs: 600 }))),
      told('early', answer(410, null, { code: 'sold-out', durationMs: 499 })),
      told('late', answer(410, null, { code: 'sold-out', durationMs: 500 })),
    ]);
    expect(found(result)).toEqual({ falseRejections: 1 });
    expect(result.details.falseRejections?.[0]).toContain('user early');
  });

  it('reports a 410 to a user who holds a coupon', () => {
    const given = facts(both(holding('a', 1), holding('b', 2), holding('c', 3)));
    const result = auditOf(given, [
      ...['a', 'b', 'c'].map((userId, i) => told(userId, answer(200, i + 1))),
      told('a', answer(410, null, { code: 'sold-out' }), 'k'),
    ]);
    expect(found(result)).toEqual({ falseRejections: 1 });
  });

  it('reports a winner whom every try told no', () => {
    const result = auditOf(facts(both(holding('a', 1))), [
      told('a', answer(409, 1), 'k1'),
      told('a', answer(409, 1), 'k2'),
    ]);
    expect(found(result)).toEqual({ falseRejections: 1 });
  });

  it('accepts only 409 for a user who held the coupon before the log began', () => {
    const earlier = { ...holding('a', 1), issuedAtMs: T0 - 1 };
    expect(found(auditOf(facts(both(earlier)), [told('a', answer(409, 1))]))).toEqual({});
  });
});

describe('the audit of unknown outcomes', () => {
  it('resolves timeouts, broken connections and faults against MySQL without calling them failures', () => {
    const result = auditOf(facts(both(holding('won', 1))), [
      told('won', answer(0, null, { errorCode: 1050 })),
      told('nothing', answer(0, null, { errorCode: 1220, code: 'reset' })),
      told('unclear', answer(503, null, { code: 'outcome-unknown' })),
      told('killed', null),
    ]);
    expect(found(result)).toEqual({});
    expect(result.unknownResolved).toBe(4);
    expect(result.details.unknownResolved).toEqual([
      'user won (no answer, k6 error 1050): issued, rank 1',
      'user nothing (no answer, k6 error 1220 reset): not issued',
      'user unclear (503): not issued',
      'user killed (no answer): not issued',
    ]);
  });

  it('counts every unknown try of a user', () => {
    const result = auditOf(facts(), [told('a', null, 'k1'), told('a', null, 'k2'), told('a', null, 'k2')]);
    expect(result.unknownResolved).toBe(3);
  });
});
