import { describe, expect, it } from '@jest/globals';
import { UndrainedReader } from '../../src/coupon/undrained-reader.js';
import type { Issued, UserId } from '../../src/coupon/types.js';

/** Redis, which answers when it is told to, with what its users hold at the moment it is asked. */
class SlowRedis {
  readonly rounds: { userIds: readonly UserId[]; answer: () => void; fail: () => void }[] = [];
  readonly holders = new Set<UserId>();

  readonly findUndrained = (userIds: readonly UserId[]): Promise<Issued[][]> =>
    new Promise((resolve, reject) => {
      const found = userIds.map((userId) => (this.holders.has(userId) ? [coupon(userId)] : []));
      this.rounds.push({ userIds, answer: () => resolve(found), fail: () => reject(new Error('away')) });
    });
}

const coupon = (userId: UserId): Issued => ({ couponId: 1, userId, rank: 1, issuedAtMs: 1, attempt: 'k' });

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function setUp() {
  const redis = new SlowRedis();
  return { redis, reader: new UndrainedReader(redis) };
}

describe('a reader of what is undrained', () => {
  it('asks one round at a time, and everybody who came meanwhile in the next', async () => {
    const { redis, reader } = setUp();
    redis.holders.add('b');
    const answers = ['a', 'b', 'c'].map((userId) => reader.read(userId));
    await nextTurn();
    expect(redis.rounds.map(({ userIds }) => userIds)).toEqual([['a']]);
    redis.rounds[0]!.answer();
    await nextTurn();
    expect(redis.rounds.map(({ userIds }) => userIds)).toEqual([['a'], ['b', 'c']]);
    redis.rounds[1]!.answer();
    expect(await Promise.all(answers)).toEqual([[], [coupon('b')], []]);
  });

  it('reads what a user won before it asked, also when a round that did not see it is under way', async () => {
    const { redis, reader } = setUp();
    const before = reader.read('a');
    redis.holders.add('a');
    const after = reader.read('a');
    redis.rounds[0]!.answer();
    await nextTurn();
    redis.rounds[1]!.answer();
    expect([await before, await after]).toEqual([[], [coupon('a')]]);
  });

  it('bounds a round, whoever waits', async () => {
    const { redis, reader } = setUp();
    const answers = Array.from({ length: 601 }, (_, i) => reader.read(`u${i}`));
    for (let round = 0; round < 4; round += 1) {
      redis.rounds[round]!.answer();
      await nextTurn();
    }
    expect(redis.rounds.map(({ userIds }) => userIds.length)).toEqual([1, 256, 256, 88]);
    expect(await Promise.all(answers)).toHaveLength(601);
  });

  it('tells everybody in a round that it failed, and asks again for those who come after', async () => {
    const { redis, reader } = setUp();
    const answers = ['a', 'b', 'c'].map((userId) => reader.read(userId));
    const settled = Promise.allSettled(answers);
    redis.rounds[0]!.answer();
    await nextTurn();
    redis.rounds[1]!.fail();
    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const next = reader.read('b');
    redis.rounds[2]!.answer();
    expect(await next).toEqual([]);
  });
});
