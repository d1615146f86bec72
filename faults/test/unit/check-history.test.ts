import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Answer, Attempt } from '../../../loadtest/client-log.js';
import type { Holding } from '../../../loadtest/facts.js';
import { findProgram } from '../../../stack/native/programs.js';
import { checkHistory, writeHistory } from '../../history/check-history.js';
import type { OperatorOperation } from '../../operator-calls.js';

const here = findProgram('python3') !== undefined;
if (!here) console.log('SKIPPED: the checker of histories needs python3 (apt-get install python3)');

const COUPON = 7;
const TOOK_MS = 20;

interface Story {
  attempts: Attempt[];
  operations: OperatorOperation[];
  mysql: Holding[];
  total: number;
}

/** A try, named by its key: `b.x` is of user `b`. */
function tried(key: string, sentMs: number, status: number | null, more: Partial<Answer> = {}): Attempt {
  const nothing = { rank: null, errorCode: 0, replayed: false, code: null };
  const answer = status === null ? null : { status, durationMs: TOOK_MS, ...nothing, ...more };
  return { userId: key.slice(0, 1), key, sentMs, answer };
}

const won = (key: string, sentMs: number, rank: number, more: Partial<Answer> = {}): Attempt =>
  tried(key, sentMs, 200, { rank, issuedAtMs: rank * 1_000, ...more });

const holds = (userId: string, rank: number): Holding => ({ userId, rank, issuedAtMs: rank * 1_000 });

const did = (op: OperatorOperation['op'], startMs: number, total?: number): OperatorOperation => ({
  op,
  couponId: COUPON,
  ...(total !== undefined && { total }),
  startMs,
  endMs: startMs + TOOK_MS,
  outcome: 'ok',
});

/** Everything that can happen when nothing is wrong: a stock of 3 sells out, is raised to 4, and the campaign is closed. */
const sound = (): Story => ({
  operations: [did('create', 0, 3), did('raise', 800, 4), did('close', 900)],
  attempts: [
    won('a.x', 100, 1),
    tried('a.y', 200, 409, { rank: 1, issuedAtMs: 1_000, code: 'already-issued' }),
    won('a.x', 300, 1, { replayed: true }),
    tried('b.x', 150, 503, { code: 'outcome-unknown' }),
    won('b.x', 400, 2, { replayed: true }),
    tried('c.x', 500, null),
    tried('d.x', 700, 410, { code: 'sold-out' }),
    won('e.x', 850, 4),
    tried('f.x', 950, 410, { code: 'ended' }),
  ],
  mysql: [holds('a', 1), holds('b', 2), holds('c', 3), holds('e', 4)],
  total: 4,
});

(here ? describe : describe.skip)('the independent checker', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'history-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = ({ total, mysql, ...story }: Story) =>
    writeHistory({ name: 'told', couponId: COUPON, facts: { total, mysql }, ...story }, folder);

  /** The names of the guarantees that are broken. */
  async function broken(story: Story): Promise<string[]> {
    const { verdict, said } = await checkHistory(await write(story));
    const rules = [...new Set(said.map((sentence) => sentence.split(':')[0]!))];
    expect(verdict).toBe(rules[0] === 'consistent' ? 'consistent' : 'violated');
    return rules;
  }

  const without = (story: Story, key: string): Attempt[] => story.attempts.filter((one) => one.key !== key);

  it('finds nothing where nothing is wrong', async () => {
    expect(await checkHistory(await write(sound()))).toEqual({
      verdict: 'consistent',
      said: ['consistent: 12 operations (7 ok, 3 fail, 1 unknown, 1 open), 4 rows, 13 rules'],
    });
  });

  it('resolves a try with an unknown outcome either way', async () => {
    const story = sound();
    const [first, ...others] = [holds('a', 1), holds('b', 2), holds('e', 4)];
    const notIssued = { ...story, attempts: without(story, 'd.x'), mysql: [first!, ...others] };
    expect(await broken(notIssued)).toEqual(['consistent']);
  });

  it.each<[string, string[], (story: Story) => Partial<Story>]>([
    [
      'a 200 that is not in MySQL',
      ['lost'],
      ({ mysql }) => ({ mysql: mysql.filter((row) => row.userId !== 'e') }),
    ],
    [
      'a 409 that names another rank than the one held',
      ['wrong_fact'],
      (story) => ({ attempts: [...without(story, 'a.y'), tried('a.y', 200, 409, { rank: 2 })] }),
    ],
    [
      'a 200 of another time than MySQL has',
      ['wrong_fact'],
      (story) => ({ attempts: [...without(story, 'e.x'), won('e.x', 850, 4, { issuedAtMs: 4_001 })] }),
    ],
    [
      'a user with two rows',
      ['two_for_one', 'beyond_stock', 'order'],
      ({ mysql }) => ({ mysql: [holds('a', 5), ...mysql] }),
    ],
    [
      'a user who is promised a second coupon',
      ['two_for_one'],
      ({ attempts }) => ({ attempts: [...attempts, won('a.z', 600, 1)] }),
    ],
    [
      'two users on one rank in MySQL',
      ['shared_rank', 'order'],
      ({ mysql }) => ({ mysql: mysql.map((row) => (row.userId === 'c' ? { ...row, rank: 2 } : row)) }),
    ],
    [
      'two users who are told the same rank',
      ['wrong_fact', 'shared_rank'],
      (story) => ({ attempts: [...without(story, 'e.x'), won('e.x', 850, 2, { issuedAtMs: 4_000 })] }),
    ],
    ['a row beyond the stock', ['beyond_stock'], () => ({ total: 3 })],
    [
      'a rank that is told before the stock was raised that far',
      ['beyond_stock'],
      ({ operations }) => ({
        operations: operations.map((one) => (one.op === 'raise' ? did('raise', 880, 4) : one)),
      }),
    ],
    [
      'a holder who never asked',
      ['phantom'],
      ({ mysql }) => ({ mysql: mysql.map((row) => (row.userId === 'c' ? { ...row, userId: 'z' } : row)) }),
    ],
    [
      'a 409 for the only try of a user',
      ['false_conflict', 'told_no_and_holds'],
      (story) => ({ attempts: [...without(story, 'e.x'), tried('e.x', 850, 409, { rank: 4 })] }),
    ],
    [
      'a 409 for somebody who holds nothing',
      ['false_conflict'],
      ({ attempts }) => ({ attempts: [...attempts, tried('g.x', 600, 503), tried('g.y', 650, 409)] }),
    ],
    [
      'an original answer that comes twice',
      ['two_for_one', 'replay'],
      ({ attempts }) => ({ attempts: [...attempts, won('a.x', 600, 1)] }),
    ],
    [
      'a replay that differs from the original',
      ['wrong_fact', 'replay'],
      ({ attempts }) => ({
        attempts: [...attempts, won('a.x', 600, 1, { replayed: true, issuedAtMs: 1_001 })],
      }),
    ],
    [
      'a holder who was only told no',
      ['told_no_and_holds'],
      (story) => ({ attempts: [...without(story, 'c.x'), tried('c.x', 500, 429)] }),
    ],
    [
      'a holder who is told sold out',
      ['told_no_and_holds'],
      ({ attempts }) => ({ attempts: [...attempts, tried('e.x', 880, 410, { code: 'sold-out' })] }),
    ],
    [
      'sold out that is answered before somebody asks and wins',
      ['false_sold_out'],
      (story) => ({ attempts: [...without(story, 'd.x'), tried('d.x', 300, 410, { code: 'sold-out' })] }),
    ],
    [
      'sold out while coupons are left',
      ['false_sold_out'],
      (story) => ({
        attempts: without(story, 'e.x'),
        mysql: story.mysql.filter(({ rank }) => rank < 3),
      }),
    ],
    [
      'ended before the closing was asked for',
      ['false_ended'],
      (story) => ({ attempts: [...without(story, 'f.x'), tried('f.x', 850, 410, { code: 'ended' })] }),
    ],
    [
      'a coupon for somebody who asked after the closing was answered',
      ['issued_after_close'],
      (story) => ({ attempts: [...without(story, 'e.x'), won('e.x', 950, 4)] }),
    ],
    [
      'a rank below that of somebody who had an answer before',
      ['order'],
      ({ attempts, mysql }) => {
        const exchange = new Map([
          ['a', 2],
          ['b', 1],
        ]);
        const rankOf = (user: string, rank: number | null) => exchange.get(user) ?? rank;
        return {
          mysql: mysql.map((row) => holds(row.userId, rankOf(row.userId, row.rank)!)),
          attempts: attempts.map((one) => {
            const rank = rankOf(one.userId, one.answer?.rank ?? null);
            const isTold = one.answer?.rank != null;
            return isTold
              ? { ...one, answer: { ...one.answer!, rank: rank!, issuedAtMs: rank! * 1_000 } }
              : one;
          }),
        };
      },
    ],
  ])('finds %s', async (_what, rules, change) => {
    const story = sound();
    expect(await broken({ ...story, ...change(story) })).toEqual(rules);
  });

  it('gives no verdict about files that it cannot read', async () => {
    const files = await write(sound());
    appendFileSync(files.history, '{"id":99,"type":"ok","process":"a","op":"issue","time":1}\n');
    await expect(checkHistory(files)).rejects.toThrow('never began');
    appendFileSync(files.rows, '{"coupon"');
    await expect(checkHistory(files)).rejects.toThrow('not JSON');
  });
});
