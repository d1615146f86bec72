import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { toPartition, streamKey, CONSUMER_GROUP } from '../../src/redis/keys.js';
import { parseIssuedEntry } from '../../src/redis/issued-entry.js';
import { replayDeadLetter } from '../../src/ops/dead-letters.js';
import { toSettled } from '../../src/worker/drain-batch.js';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

const total = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
  (await metric.get()).values.reduce((sum, { value }) => sum + value, 0);

describe('the drainer', () => {
  test('writes the entries of every partition once and leaves nothing behind', async () => {
    const other = await environment.createCoupon();
    for (const first of [1, 101, 201]) await environment.addEntry(1, first, users(first, first + 99));
    await environment.addEntry(other.id, 1, ['only']);
    await environment.startDrainer();
    await environment.addEntry(1, 301, users(301, 310));
    await environment.waitUntilDrained();

    expect(await environment.ranks(1)).toEqual(range(1, 310));
    expect(await environment.ranks(other.id)).toEqual([1]);
    expect(await environment.pending(1)).toEqual([]);
    expect(await environment.deadLetters()).toEqual([]);
  });

  test('an entry with more rows than a statement may have is written too', async () => {
    await environment.startDrainer('worker-1', { rowsMax: 7 });
    await environment.addEntry(1, 1, users(1, 50));
    await environment.addEntry(1, 51, users(51, 53));
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 53));
  });

  test('after a crash between commit and ack the same rows are recognised', async () => {
    await environment.addEntry(1, 1, users(1, 20));
    const { entries } = await environment.deliverTo('worker-1');
    await environment.issued.persist(
      entries.flatMap((entry) => parseIssuedEntry(entry.fields).rows),
      await environment.lease(),
    );

    const { metrics } = await environment.startDrainer('worker-1');
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 20));
    expect(await environment.deadLetters()).toEqual([]);
    const rows = (await metrics.rows.get()).values;
    expect(rows.find(({ labels }) => labels.kind === 'replayed')?.value).toBe(20);
  });

  test("takes over a dead worker's entries after the claim time", async () => {
    await environment.addEntry(1, 1, users(1, 20));
    await environment.deliverTo('dead');
    await environment.startDrainer('worker-2', { claimIdleMs: 100 });
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 20));
  });

  test('a worker that was stopped for longer than the claim time does no harm when it goes on', async () => {
    await environment.addEntry(1, 1, users(1, 20));
    const stopped = await environment.deliverTo('stopped');
    await environment.startDrainer('worker-2', { claimIdleMs: 100 });
    await environment.waitUntilDrained();
    await environment.addEntry(1, 21, users(21, 30));

    const parsed = stopped.entries.map((entry) => ({ entry, content: parseIssuedEntry(entry.fields) }));
    const rows = parsed.flatMap(({ content }) => content.rows);
    const result = await environment.issued.persist(rows, await environment.lease());
    expect(result).toEqual({ inserted: 0, replayed: 20, contradictions: [] });
    await stopped.streams.resetDeliveries(stopped.entries);
    await stopped.streams.settle(parsed.map(toSettled));
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 30));
  });

  test('two workers share the streams and write every row once', async () => {
    await Promise.all([environment.startDrainer('worker-1'), environment.startDrainer('worker-2')]);
    for (const first of range(0, 199).map((i) => i * 10 + 1)) {
      await environment.addEntry(1, first, users(first, first + 9));
    }
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 2_000));
    expect(await environment.deadLetters()).toEqual([]);
  });

  test('stopping finishes what is in hand', async () => {
    await environment.addEntry(1, 1, users(1, 500));
    const { drainer } = await environment.startDrainer();
    await until('something is delivered', async () => (await environment.ranks(1)).length > 0);
    await drainer.stop();
    expect(await environment.pending(1)).toEqual([]);
  });
});

describe('dead letters', () => {
  test('an entry that is none of ours becomes one, the others go through', async () => {
    const id = await environment.addRaw(1, ['foo', 'bar']);
    await environment.addEntry(1, 1, users(1, 5));
    await environment.addRaw(1, ['c', 1, 't', 1, 'r', 6, 'u', 'no-attempt']);
    await environment.addEntry(1, 6, users(6, 9));
    await environment.startDrainer();
    await environment.waitUntilDrained();

    expect(await environment.ranks(1)).toEqual(range(1, 9));
    const letters = await environment.deadLetters();
    expect(letters.map(({ reason }) => reason)).toEqual(['malformed', 'malformed']);
    expect(letters[0]).toMatchObject({ entryId: id, fields: ['foo', 'bar'], partition: toPartition(1) });
    expect(await environment.pending(1)).toEqual([]);
  });

  test('a contradiction becomes one with the rows concerned, the other rows of its entry are written', async () => {
    const there = [
      { couponId: 1, userId: 'first', rank: 1, issuedAtMs: 1, fingerprint: 'k' },
      { couponId: 1, userId: 'twice', rank: 2, issuedAtMs: 1, fingerprint: 'k' },
    ];
    await environment.issued.persist(there, await environment.lease());
    const id = await environment.addEntry(1, 1, ['intruder', 'other', 'third', 'twice']);
    await environment.addEntry(1, 10_000, ['last', 'beyond']);
    await environment.addEntry(77, 1, ['nobody']);
    const { metrics } = await environment.startDrainer();
    await environment.waitUntilDrained();

    expect(await environment.ranks(1)).toEqual([1, 2, 3, 10_000]);
    const letters = await environment.deadLetters();
    expect(letters).toHaveLength(3);
    expect(letters.find(({ entryId }) => entryId === id)).toMatchObject({
      reason: 'contradiction',
      rows: [
        { userId: 'intruder', rank: 1, reason: 'rankTaken', existing: { userId: 'first', rank: 1 } },
        { userId: 'other', rank: 2, reason: 'rankTaken', existing: { userId: 'twice', rank: 2 } },
        { userId: 'twice', rank: 4, reason: 'userHasAnotherRank', existing: { userId: 'twice', rank: 2 } },
      ],
    });
    expect(letters.flatMap(({ rows }) => rows.map(({ reason }) => reason))).toEqual(
      expect.arrayContaining(['rankBeyondTotal', 'unknownCoupon']),
    );
    expect(await total(metrics.contradictions)).toBe(5);
  });

  test('a row the database refuses stands alone in the end', async () => {
    await environment.addEntry(1, 1, [...users(1, 9), 'u'.repeat(65), ...users(11, 20)]);
    await environment.addEntry(1, 21, users(21, 40));
    await environment.startDrainer();
    await environment.waitUntilDrained();

    expect(await environment.ranks(1)).toEqual([...range(1, 9), ...range(11, 40)]);
    const [letter, ...others] = await environment.deadLetters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ reason: 'refused', rows: [{ rank: 10 }] });
    expect(letter!.rows[0]!.reason).toMatch(/too long/i);
  });

  test('an entry that ended its worker too often becomes one, its neighbours go through', async () => {
    const poison = await environment.addEntry(1, 1, ['poison']);
    await environment.addEntry(1, 2, users(2, 5));
    await environment.deliverTo('worker-1');
    const claim = [streamKey(toPartition(1)), CONSUMER_GROUP, 'worker-1', 0, poison] as const;
    await environment.redis.call('XCLAIM', ...claim, 'RETRYCOUNT', 3, 'JUSTID');
    await environment.startDrainer('worker-1', { maxDeliveries: 3 });
    await environment.waitUntilDrained();

    expect(await environment.ranks(1)).toEqual(range(2, 5));
    expect(await environment.deadLetters()).toMatchObject([
      {
        entryId: poison,
        couponId: 1,
        reason: 'deliveredTooOften',
        rows: [{ userId: 'poison', rank: 1 }],
      },
    ]);
  });

  test('a fault of no known kind is tried again and then isolated', async () => {
    let tries = 0;
    const store: typeof environment.issued.persist = (rows, lease) => {
      tries += 1;
      if (rows.some(({ userId }) => userId === 'user-3')) throw new TypeError('a bug');
      return environment.issued.persist(rows, lease);
    };
    await environment.addEntry(1, 1, users(1, 8));
    await environment.startDrainer(
      'worker-1',
      { maxDeliveries: 2 },
      { persist: async (...args) => store(...args) },
    );
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect(await environment.deadLetters()).toMatchObject([
      { rows: [{ userId: 'user-3', reason: 'a bug' }] },
    ]);
    expect(tries).toBeGreaterThan(2);
  });

  test('replayed after the cause is gone, it is written and the letter is gone', async () => {
    await environment.addEntry(2, 1, ['early']);
    await environment.startDrainer();
    await environment.waitUntilDrained();
    const [letter] = await environment.deadLetters();
    await environment.prisma.coupon.create({
      data: { id: 2n, name: 'late', total: 5, opensAt: new Date(0) },
    });

    await replayDeadLetter(environment, letter!);
    await until('the row is there', async () => (await environment.ranks(2)).length === 1);
    expect(await environment.deadLetters()).toEqual([]);
  });
});
