import { describe, expect, test } from '@jest/globals';
import { chooseBackoffMs } from '../../src/worker/backoff.js';
import { toBatches } from '../../src/worker/drain-batch.js';
import { ReadSize } from '../../src/worker/read-size.js';

describe('backoff', () => {
  test('doubles from the first wait to the longest, never less than half of it', () => {
    const waits = [1, 2, 3, 10, 1_000].map((tries) => chooseBackoffMs(tries, 100, 5_000, () => 0));
    expect(waits).toEqual([50, 100, 200, 2_500, 2_500]);
    expect(chooseBackoffMs(1_000, 100, 5_000, () => 1)).toBe(5_000);
  });
});

describe('read size', () => {
  test('asks for few entries until it knows how large they are', () => {
    const size = new ReadSize(5_000);
    expect(size.entries).toBe(20);
    for (let i = 0; i < 10; i++) size.observe(100, 100);
    expect(size.entries).toBe(500);
    size.observe(1, 1_000);
    expect(size.entries).toBe(5);
  });

  test('asks for at least one', () => {
    expect(new ReadSize(1).entries).toBe(1);
  });
});

describe('batches', () => {
  const entry = (id: string, users: number, firstRank = 1) => ({
    partition: 1,
    id,
    fields: ['c', '1', 't', '5', 'r', String(firstRank), 'u', Array(users).fill('u\tk').join('\n')],
  });
  const shape = (rowsMax: number, entries: ReturnType<typeof entry>[]) =>
    [...toBatches(entries, rowsMax)].map((batch) => [
      batch.entries.map(({ entry: { id } }) => id),
      batch.rows.length,
    ]);

  test('hold at most so many rows and never cut an entry', () => {
    expect(shape(10, [entry('a', 4), entry('b', 6), entry('c', 1), entry('d', 25), entry('e', 2)])).toEqual([
      [['a', 'b'], 10],
      [['c'], 1],
      [['d'], 25],
      [['e'], 2],
    ]);
  });

  test('keep what is malformed apart', () => {
    const bad = { partition: 1, id: 'bad', fields: ['x', 'y'] };
    const [batch, ...more] = [...toBatches([bad, entry('a', 1)], 10)];
    expect(more).toEqual([]);
    expect(batch!.malformed.map(({ entry: { id } }) => id)).toEqual(['bad']);
    expect(batch!.entries.map(({ entry: { id } }) => id)).toEqual(['a']);
    expect([...toBatches([bad], 10)]).toHaveLength(1);
    expect([...toBatches([], 10)]).toEqual([]);
  });
});
