import { describe, expect, test } from '@jest/globals';
import { ArchiveReader, type Archived } from '../../src/coupon/archive-reader.js';
import type { IssueOutcome, Issued } from '../../src/coupon/types.js';

const ROUND_MAX = 500;
const WAITING_MAX = 10_000;

/** MySQL, as it answers when it is told to: one user holds rank 7, by the attempt with fingerprint `key`. */
class SlowStore {
  readonly rounds: { couponId: number; users: number; answer: () => void; fail: () => void }[] = [];

  findHolders(couponId: number, userIds: readonly string[]): Promise<Map<string, Issued>> {
    const winner = { couponId, userId: 'winner', rank: 7, issuedAtMs: 5, fingerprint: 'key' };
    return new Promise((resolve, reject) => {
      const answer = () => resolve(new Map(userIds.includes('winner') ? [['winner', winner]] : []));
      const fail = () => reject(new Error('MySQL is away'));
      this.rounds.push({ couponId, users: userIds.length, answer, fail });
    });
  }
}

const submit = (
  reader: ArchiveReader,
  couponId: number,
  userId: string,
  { fingerprint = 'key', archived = 'archivedEnded' as Archived } = {},
): Promise<IssueOutcome> =>
  new Promise((onOutcome) => reader.submit(couponId, { archived, userId, fingerprint, onOutcome }));

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function answerAll(store: SlowStore): Promise<void> {
  for (let i = 0; i < store.rounds.length; i++) {
    store.rounds[i]!.answer();
    await turn();
  }
}

describe('the reader of archived campaigns', () => {
  test('answers as Redis did: replay, conflict, ended, sold out', async () => {
    const store = new SlowStore();
    const reader = new ArchiveReader(store);
    const outcomes = Promise.all([
      submit(reader, 1, 'winner'),
      submit(reader, 1, 'winner', { fingerprint: 'other' }),
      submit(reader, 1, 'late'),
      submit(reader, 2, 'late', { archived: 'archivedSoldOut' }),
    ]);
    await answerAll(store);
    expect(await outcomes).toEqual([
      { kind: 'issued', rank: 7, issuedAtMs: 5, replayed: true },
      { kind: 'alreadyIssued', rank: 7, issuedAtMs: 5 },
      { kind: 'ended' },
      { kind: 'soldOut' },
    ]);
  });

  test('asks one query at a time, of one coupon, and no coupon holds up the others', async () => {
    const store = new SlowStore();
    const reader = new ArchiveReader(store);
    const first = submit(reader, 1, 'first');
    const many = Array.from({ length: ROUND_MAX + 1 }, (_, i) => submit(reader, 1, `user-${i}`));
    const other = submit(reader, 2, 'other');
    expect(store.rounds).toHaveLength(1);
    await answerAll(store);
    await Promise.all([first, other, ...many]);
    expect(store.rounds.map(({ couponId, users }) => [couponId, users])).toEqual([
      [1, 1],
      [1, ROUND_MAX],
      [2, 1],
      [1, 1],
    ]);
  });

  test('when MySQL is away, says that it cannot tell, and asks again for who comes later', async () => {
    const store = new SlowStore();
    const reader = new ArchiveReader(store);
    const cannotTell = { kind: 'notReady', reason: 'databaseUnavailable' };
    const first = submit(reader, 1, 'winner');
    store.rounds[0]!.fail();
    expect(await first).toEqual(cannotTell);
    const second = submit(reader, 1, 'winner');
    store.rounds[1]!.answer();
    expect(await second).toMatchObject({ kind: 'issued' });
  });

  test('with too many waiting, tells the next at once to come again, until there is room', async () => {
    const store = new SlowStore();
    const reader = new ArchiveReader(store);
    const waiting = Array.from({ length: WAITING_MAX }, (_, i) => submit(reader, 1, `user-${i}`));
    expect(await submit(reader, 1, 'one-more')).toMatchObject({ kind: 'notReady' });
    await answerAll(store);
    await Promise.all(waiting);
    const next = submit(reader, 1, 'winner');
    await answerAll(store);
    expect(await next).toMatchObject({ kind: 'issued' });
  });
});
