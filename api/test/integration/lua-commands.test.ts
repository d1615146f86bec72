import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readApiConfig } from '../../src/config.js';
import { createLogger } from '../../src/logger.js';
import { connectRedis, untilReady, type Redis } from '../../src/redis/connection.js';
import { parseIssuedEntry } from '../../src/redis/issued-entry.js';
import { metaKey, partitionOf, registryKey, streamKey, winnersKey } from '../../src/redis/keys.js';
import { ADMIN_TOKEN } from '../support/api-replica.js';
import { startRedis, type TestRedis } from '../support/servers.js';

const COUPON = 7;
const META = metaKey(COUPON);
const WINNERS = winnersKey(COUPON);
const STREAM = streamKey(partitionOf(COUPON));
const REGISTRY = registryKey(partitionOf(COUPON));
const PAST = 1_000;
const FAR = 9_000_000_000_000;

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  const config = readApiConfig({ ...server.env, ADMIN_TOKEN, DATABASE_URL: 'mysql://u@127.0.0.1/x' });
  redis = connectRedis(config, createLogger('test', 'silent'));
  await untilReady(redis, 10_000);
});

afterAll(async () => {
  redis.disconnect();
  await server.remove();
});

beforeEach(() => redis.flushall());

const gate = (fields: Record<string, string | number> = {}) =>
  redis.hset(META, { total: 3, opensAtMs: PAST, closesAtMs: 0, closed: 0, issued: 0, ...fields });

const issue = (pairs: string[], { backlogMax = 1_000, alwaysWrite = 0 } = {}) =>
  redis.issueCoupons(META, WINNERS, STREAM, COUPON, backlogMax, alwaysWrite, ...pairs) as Promise<unknown[]>;

const entries = async () =>
  (await redis.xrange(STREAM, '-', '+')).map(([, fields]) => parseIssuedEntry(fields));

/** Everything that a call could have changed. */
const snapshot = async () => ({
  meta: await redis.hgetall(META),
  winners: await redis.hgetall(WINNERS),
  entries: await redis.xlen(STREAM),
});

describe('issueCoupons', () => {
  it('answers GATE_SHUT and writes nothing when there is no meta', async () => {
    expect(await issue(['a', 'k1'])).toEqual([0]);
    expect(await redis.dbsize()).toBe(0);
  });

  it('answers NOT_OPEN with both times before the window and writes nothing', async () => {
    await gate({ opensAtMs: FAR });
    const before = await snapshot();
    const [code, opensAtMs, nowMs] = await issue(['a', 'k1']);
    expect([code, opensAtMs]).toEqual([1, FAR]);
    expect(Math.abs(Number(nowMs) - Date.now())).toBeLessThan(60_000);
    expect(await snapshot()).toEqual(before);
  });

  it('gives ranks in order, remembers the winners, and puts the batch into the stream as one entry', async () => {
    await gate();
    const [code, nowMs, ...answers] = await issue(['a', 'k1', 'b', 'k2']);
    expect([code, ...answers]).toEqual([2, 1, 2]);
    expect(await redis.hgetall(WINNERS)).toEqual({ a: `1 ${nowMs} k1`, b: `2 ${nowMs} k2` });
    expect(await redis.hget(META, 'issued')).toBe('2');
    expect(await entries()).toEqual([
      [
        { couponId: COUPON, userId: 'a', rank: 1, issuedAtMs: nowMs, attempt: 'k1' },
        { couponId: COUPON, userId: 'b', rank: 2, issuedAtMs: nowMs, attempt: 'k2' },
      ],
    ]);
  });

  it('answers with the record of a user who holds one already, and writes nothing', async () => {
    await gate();
    const [, nowMs] = await issue(['a', 'k1']);
    const before = await snapshot();
    expect((await issue(['a', 'k2'])).slice(2)).toEqual([`1 ${nowMs} k1`]);
    expect(await snapshot()).toEqual(before);
  });

  it('issues once when the same user is twice in one batch', async () => {
    await gate();
    const [, nowMs, ...answers] = await issue(['a', 'k1', 'a', 'k2', 'a', 'k1']);
    expect(answers).toEqual([1, `1 ${nowMs} k1`, `1 ${nowMs} k1`]);
    expect((await entries()).flat()).toHaveLength(1);
  });

  it('answers SOLD_OUT to whoever comes after the last one, within one batch too', async () => {
    await gate({ total: 1 });
    expect((await issue(['a', 'k1', 'b', 'k2'])).slice(2)).toEqual([1, 0]);
    const before = await snapshot();
    expect((await issue(['c', 'k3'])).slice(2)).toEqual([0]);
    expect(await snapshot()).toEqual(before);
  });

  it.each([
    ['after the window', { closesAtMs: PAST + 1 }],
    ['when it was closed', { closed: 1 }],
  ])('answers ENDED %s, but a winner still learns that it won', async (_when, fields) => {
    await gate();
    const [, nowMs] = await issue(['a', 'k1']);
    await redis.hset(META, fields);
    expect((await issue(['a', 'k1', 'b', 'k2'])).slice(2)).toEqual([`1 ${nowMs} k1`, -1]);
    expect(await redis.hlen(WINNERS)).toBe(1);
  });

  it('answers BACKLOG_FULL when the stream is full, but a winner still learns that it won', async () => {
    await gate();
    const [, nowMs] = await issue(['a', 'k1']);
    expect((await issue(['b', 'k2', 'a', 'k1', 'c', 'k3'], { backlogMax: 1 })).slice(2)).toEqual([
      -2,
      `1 ${nowMs} k1`,
      -2,
    ]);
    expect(await redis.hlen(WINNERS)).toBe(1);
  });

  it('answers SOLD_OUT rather than BACKLOG_FULL when both are true', async () => {
    await gate({ total: 1, issued: 1 });
    expect((await issue(['b', 'k2'], { backlogMax: 0 })).slice(2)).toEqual([0]);
  });

  it('writes something even when nothing is issued if it is told to', async () => {
    await gate({ total: 1, issued: 1 });
    const before = await snapshot();
    const changesBefore = Number(
      /rdb_changes_since_last_save:(\d+)/.exec(await redis.info('persistence'))![1],
    );
    expect((await issue(['b', 'k2'], { alwaysWrite: 1 })).slice(2)).toEqual([0]);
    const changesAfter = Number(
      /rdb_changes_since_last_save:(\d+)/.exec(await redis.info('persistence'))![1],
    );
    expect(changesAfter).toBeGreaterThan(changesBefore);
    expect(await snapshot()).toEqual(before);
  });

  it('keeps exact ranks and times beyond 32 bits', async () => {
    await gate({ total: 10_000_000_000, issued: 9_999_999_998 });
    const [, nowMs, ...answers] = await issue(['a', 'k1']);
    expect(answers).toEqual([9_999_999_999]);
    expect(await redis.hget(WINNERS, 'a')).toBe(`9999999999 ${nowMs} k1`);
  });

  it.each([
    ['no attempts', []],
    ['half a pair', ['a', 'k1', 'b']],
  ])('is an error with %s and writes nothing', async (_what, pairs) => {
    await gate();
    const before = await snapshot();
    await expect(issue(pairs)).rejects.toThrow(/wrong arguments/);
    expect(await snapshot()).toEqual(before);
  });

  it('is an error with a damaged meta and writes nothing', async () => {
    await gate({ total: 'many' });
    await expect(issue(['a', 'k1'])).rejects.toThrow(/damaged meta of coupon 7/);
    expect(await redis.exists(WINNERS, STREAM)).toBe(0);
  });

  it('writes nothing at all when Redis is out of memory', async () => {
    await gate();
    const before = await snapshot();
    await redis.config('SET', 'maxmemory', '1');
    try {
      await expect(issue(['a', 'k1'])).rejects.toThrow(/^OOM/);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    expect(await snapshot()).toEqual(before);
  });

  it('takes the largest batch that the configuration allows', async () => {
    await gate({ total: 2_000 });
    const pairs = Array.from({ length: 1_000 }, (_, i) => [`user-${i}`, `key-${i}`]).flat();
    expect((await issue(pairs)).slice(2)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect((await entries()).flat()).toHaveLength(1_000);
  });
});

describe('openGate', () => {
  const open = (...args: (string | number)[]) => redis.openGate(META, REGISTRY, WINNERS, COUPON, ...args);

  it('answers OPENED, registers the coupon and writes the gate', async () => {
    expect(await open(5, PAST, 0, 0, 2)).toBe(1);
    expect(await redis.smembers(REGISTRY)).toEqual([String(COUPON)]);
    expect(await redis.hgetall(META)).toEqual({
      total: '5',
      opensAtMs: String(PAST),
      closesAtMs: '0',
      closed: '0',
      issued: '2',
    });
  });

  it('answers ALREADY_OPEN and leaves an open gate alone', async () => {
    await gate({ issued: 3 });
    const before = await snapshot();
    expect(await open(5, PAST, 0, 0, 0)).toBe(0);
    expect(await snapshot()).toEqual(before);
  });

  it('is an error with a missing number and writes nothing', async () => {
    await expect(open(5, PAST, 0, 0, '')).rejects.toThrow(/wrong arguments/);
    expect(await redis.dbsize()).toBe(0);
  });
});

describe('updateGate', () => {
  const update = (...args: (string | number)[]) => redis.updateGate(META, ...args);

  it('answers GATE_SHUT and writes nothing when there is no gate', async () => {
    expect(await update(5, PAST, 0, 0)).toBe(0);
    expect(await redis.dbsize()).toBe(0);
  });

  it('answers UPDATED and keeps what was issued', async () => {
    await gate({ issued: 2 });
    expect(await update(9, PAST + 1, FAR, 1)).toBe(1);
    expect(await redis.hgetall(META)).toEqual({
      total: '9',
      opensAtMs: String(PAST + 1),
      closesAtMs: String(FAR),
      closed: '1',
      issued: '2',
    });
  });

  it('never lowers the stock and never reopens a closed campaign', async () => {
    await gate({ total: 9, closed: 1 });
    expect(await update(5, PAST, 0, 0)).toBe(1);
    expect(await redis.hmget(META, 'total', 'closed')).toEqual(['9', '1']);
  });

  it('is an error with a missing number and writes nothing', async () => {
    await gate();
    const before = await snapshot();
    await expect(update('', PAST, 0, 0)).rejects.toThrow(/wrong arguments/);
    expect(await snapshot()).toEqual(before);
  });
});

describe('findUserCoupons', () => {
  const find = (userId: string) =>
    redis.findUserCoupons(REGISTRY, STREAM, userId, '{p7}:coupon:', ':winners') as Promise<string[]>;

  it('finds what a user holds while the stream is not drained', async () => {
    await redis.openGate(META, REGISTRY, WINNERS, COUPON, 5, PAST, 0, 0, 0);
    const [, nowMs] = await issue(['a', 'k1']);
    expect(await find('a')).toEqual([String(COUPON), `1 ${nowMs} k1`]);
    expect(await find('A')).toEqual([]);
  });

  it('finds nothing when the stream is empty: then MySQL has everything', async () => {
    await redis.openGate(META, REGISTRY, WINNERS, COUPON, 5, PAST, 0, 0, 0);
    await issue(['a', 'k1']);
    await redis.xtrim(STREAM, 'MAXLEN', 0);
    expect(await find('a')).toEqual([]);
  });
});
