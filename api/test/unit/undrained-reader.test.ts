import { describe, expect, test } from '@jest/globals';
import type { Issued } from '../../src/coupon/types.js';
import { UndrainedReader } from '../../src/coupon/undrained-reader.js';

const ROUND_MAX = 256;

const held = (userId: string): Issued => ({
  couponId: 1,
  userId,
  rank: 1,
  issuedAtMs: 1,
  fingerprint: 'key',
});

/** A gate that answers when it is told to. */
class SlowGate {
  readonly rounds: { userIds: readonly string[]; answer: () => void; fail: () => void }[] = [];

  findUndrained(userIds: readonly string[]): Promise<Issued[][]> {
    return new Promise((resolve, reject) => {
      const answer = () => resolve(userIds.map((userId) => [held(userId)]));
      this.rounds.push({ userIds, answer, fail: () => reject(new Error('Redis is away')) });
    });
  }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `user-${i}`);

describe('the reader of what is not drained', () => {
  test('asks for one round at a time, and each user gets what is theirs', async () => {
    const gate = new SlowGate();
    const reader = new UndrainedReader(gate);
    const first = reader.read('a');
    const later = ['b', 'c'].map((userId) => reader.read(userId));
    expect(gate.rounds.map(({ userIds }) => userIds)).toEqual([['a']]);
    gate.rounds[0]!.answer();
    expect(await first).toEqual([held('a')]);
    expect(gate.rounds.map(({ userIds }) => userIds)).toEqual([['a'], ['b', 'c']]);
    gate.rounds[1]!.answer();
    expect(await Promise.all(later)).toEqual([[held('b')], [held('c')]]);
  });

  test('who comes while a round is under way is in one that begins afterwards', async () => {
    const gate = new SlowGate();
    const reader = new UndrainedReader(gate);
    const before = reader.read('a');
    const after = reader.read('a');
    gate.rounds[0]!.answer();
    await before;
    expect(gate.rounds).toHaveLength(2);
    gate.rounds[1]!.answer();
    expect(await after).toEqual([held('a')]);
  });

  test('a round has a bounded number of users', async () => {
    const gate = new SlowGate();
    const reader = new UndrainedReader(gate);
    const all = names(ROUND_MAX + 2).map((userId) => reader.read(userId));
    for (const round of [0, 1, 2]) {
      gate.rounds[round]!.answer();
      await all[[0, ROUND_MAX, ROUND_MAX + 1][round]!];
    }
    expect(gate.rounds.map(({ userIds }) => userIds.length)).toEqual([1, ROUND_MAX, 1]);
  });

  test('when Redis is away, those of the round are told, and the next round is asked', async () => {
    const gate = new SlowGate();
    const reader = new UndrainedReader(gate);
    const first = reader.read('a');
    const second = reader.read('b');
    gate.rounds[0]!.fail();
    await expect(first).rejects.toThrow('Redis is away');
    gate.rounds[1]!.answer();
    expect(await second).toEqual([held('b')]);
    const third = reader.read('c');
    gate.rounds[2]!.answer();
    expect(await third).toEqual([held('c')]);
  });
});
