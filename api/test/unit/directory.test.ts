import { describe, expect, it } from '@jest/globals';
import { CouponDirectory } from '../../src/coupon/coupon-directory.js';
import type { CouponId, Existing } from '../../src/coupon/types.js';

/** A database that answers when it is told to; the odd ids exist. */
class Database {
  readonly queries: { ids: readonly CouponId[]; answer: () => void; fail: () => void }[] = [];

  readonly findExisting = (ids: readonly CouponId[]) =>
    new Promise<ReadonlyMap<CouponId, Existing>>((resolve, reject) => {
      const answer = () => resolve(new Map(ids.filter((id) => id % 2 === 1).map((id) => [id, 'live'])));
      this.queries.push({ ids, answer, fail: () => reject(new Error('away')) });
    });
}

function setUp(options: { rememberMax?: number; queryMax?: number } = {}) {
  const database = new Database();
  const clock = { nowMs: 0 };
  const directory = new CouponDirectory(database.findExisting, {
    rememberMs: 1_000,
    rememberMax: 10,
    queryMax: 5,
    now: () => clock.nowMs,
    ...options,
  });
  return { database, clock, directory };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a coupon directory', () => {
  it('asks once for everybody who wants to know the same, and anew for those who come while the query is under way', async () => {
    const { database, directory } = setUp();
    const first = directory.lookUp(1);
    await settled();
    const others = [directory.lookUp(1), directory.lookUp(1)];
    database.queries[0]!.answer();
    expect(await first).toBe('live');
    await settled();
    database.queries[1]!.answer();
    expect(await Promise.all(others)).toEqual(['live', 'live']);
    expect(database.queries.map(({ ids }) => ids)).toEqual([[1], [1]]);
  });

  it('does not remember that a coupon is live: it may be archived in the next moment', async () => {
    const { database, directory } = setUp();
    for (const query of [0, 1]) {
      const answer = directory.lookUp(1);
      database.queries[query]!.answer();
      expect(await answer).toBe('live');
    }
  });

  it('collects the ids that come meanwhile for one next query', async () => {
    const { database, directory } = setUp();
    const answers = [1, 2, 3, 4].map((id) => directory.lookUp(id));
    database.queries[0]!.answer();
    await settled();
    database.queries[1]!.answer();
    expect(await Promise.all(answers)).toEqual(['live', 'unknown', 'live', 'unknown']);
    expect(database.queries.map(({ ids }) => ids)).toEqual([[1], [2, 3, 4]]);
  });

  it('remembers for a while that a coupon is unknown, then asks again', async () => {
    const { database, clock, directory } = setUp();
    const first = directory.lookUp(2);
    database.queries[0]!.answer();
    expect(await first).toBe('unknown');
    expect([directory.isKnownUnknown(2), directory.isKnownUnknown(1)]).toEqual([true, false]);
    clock.nowMs = 999;
    expect(await directory.lookUp(2)).toBe('unknown');
    clock.nowMs = 1_000;
    expect(directory.isKnownUnknown(2)).toBe(false);
    void directory.lookUp(2);
    expect(database.queries).toHaveLength(2);
  });

  it('cannot tell when too many ids wait', async () => {
    const { database, directory } = setUp({ queryMax: 2 });
    const answers = [1, 2, 3, 4].map((id) => directory.lookUp(id));
    expect(await answers[3]).toBe('cannotTell');
    database.queries[0]!.answer();
    await settled();
    database.queries[1]!.answer();
    expect(await Promise.all(answers.slice(0, 3))).toEqual(['live', 'unknown', 'live']);
  });

  it('cannot tell when the database fails, remembers nothing of it, and asks again', async () => {
    const { database, directory } = setUp();
    const first = directory.lookUp(1);
    database.queries[0]!.fail();
    expect(await first).toBe('cannotTell');
    const second = directory.lookUp(1);
    database.queries[1]!.answer();
    expect(await second).toBe('live');
  });

  it('forgets the oldest id rather than grow', async () => {
    const { database, directory } = setUp({ rememberMax: 2 });
    for (const id of [2, 4, 6]) {
      const answer = directory.lookUp(id);
      database.queries.at(-1)!.answer();
      await answer;
    }
    expect([2, 4, 6].map((id) => directory.isKnownUnknown(id))).toEqual([false, true, true]);
  });
});
