import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { readApiConfig } from '../../src/config.js';
import { createLogger } from '../../src/logger.js';
import { connectRedis, waitUntilReady, type Redis } from '../../src/redis/connection.js';
import { parseIssuedEntry } from '../../src/redis/issued-entry.js';
import {
  CONSUMER_GROUP,
  metaKey,
  toPartition,
  registryKey,
  streamKey,
  undrainedKey,
  winnersKey,
} from '../../src/redis/keys.js';
import { ADMIN_TOKEN } from '../support/api-replica.js';
import { startRedis, type TestRedis } from '../support/servers.js';

const COUPON = 7;
const META = metaKey(COUPON);
const WINNERS = winnersKey(COUPON);
const STREAM = streamKey(toPartition(COUPON));
const UNDRAINED = undrainedKey(toPartition(COUPON));
const SERVER = 'server:history';
const REGISTRY = registryKey(toPartition(COUPON));
const PAST = 1_000;
const FAR = 9_000_000_000_000;

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  const config = readApiConfig({ ...server.env, ADMIN_TOKEN, DATABASE_URL: 'mysql://u@127.0.0.1/x' });
  redis = connectRedis(config, createLogger('test', 'silent'));
  await waitUntilReady(redis, 10_000);
});

afterAll(async () => {
  redis.disconnect();
  await server.remove();
});

beforeEach(() => redis.flushall());

const gate = (fields: Record<string, string | number> = {}) =>
  redis.hset(META, {
    total: 3,
    opensAtMs: PAST,
    closesAtMs: 0,
    closed: 0,
    issued: 0,
    checked: SERVER,
    generation: 1,
    ...fields,
  });

const issue = (
  pairs: string[],
  { backlogMax = 1_000, alwaysWrite = 0, server = SERVER, highestSeen = 0, traceparent = '' } = {},
) => {
  const args = [COUPON, backlogMax, alwaysWrite, server, highestSeen, traceparent, ...pairs];
  return redis.issueCoupons(META, WINNERS, STREAM, UNDRAINED, ...args) as Promise<unknown[]>;
};

const entries = async () =>
  (await redis.xrange(STREAM, '-', '+')).map(([, fields]) => parseIssuedEntry(fields).rows);

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

  it('answers NOT_OPEN with the time of the opening before the window and writes nothing', async () => {
    await gate({ opensAtMs: FAR });
    const before = await snapshot();
    const [code, nowMs, ...answers] = await issue(['a', 'k1', 'b', 'k2']);
    expect([code, ...answers]).toEqual([2, -FAR, -FAR]);
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
        { couponId: COUPON, userId: 'a', rank: 1, issuedAtMs: nowMs, fingerprint: 'k1' },
        { couponId: COUPON, userId: 'b', rank: 2, issuedAtMs: nowMs, fingerprint: 'k2' },
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
    expect(await open(5, PAST, 0, 0, 4, 2, 3, SERVER)).toBe(2);
    expect(await redis.smembers(REGISTRY)).toEqual([String(COUPON)]);
    expect(await redis.hgetall(META)).toEqual({
      total: '5',
      opensAtMs: String(PAST),
      closesAtMs: '0',
      closed: '0',
      revision: '4',
      generation: '3',
      checked: SERVER,
      issued: '2',
    });
  });

  it('goes on after the highest rank that a shut gate still knows', async () => {
    await redis.hset(META, 'issued', 9);
    expect(await open(50, PAST, 0, 0, 1, 2, 3, SERVER)).toBe(9);
    expect((await issue(['a', 'k1'])).slice(2)).toEqual([10]);
  });

  it('answers ALREADY_OPEN and leaves an open gate alone', async () => {
    await gate({ issued: 3 });
    const before = await snapshot();
    expect(await open(5, PAST, 0, 0, 1, 0, 1, SERVER)).toBe(-1);
    expect(await snapshot()).toEqual(before);
  });

  it('is an error with a missing number and writes nothing', async () => {
    await expect(open(5, PAST, 0, 0, 1, '', 1, SERVER)).rejects.toThrow(/wrong arguments/);
    expect(await redis.dbsize()).toBe(0);
  });
});

describe('updateGate', () => {
  const update = (...args: (string | number)[]) => redis.updateGate(META, ...args);

  it('answers GATE_SHUT and writes nothing when there is no gate', async () => {
    expect(await update(5, PAST, 0, 0, 1)).toBe(0);
    expect(await redis.dbsize()).toBe(0);
  });

  it('answers UPDATED and keeps what was issued', async () => {
    await gate({ issued: 2 });
    expect(await update(9, PAST + 1, FAR, 1, 7)).toBe(1);
    expect(await redis.hgetall(META)).toEqual({
      total: '9',
      opensAtMs: String(PAST + 1),
      closesAtMs: String(FAR),
      closed: '1',
      revision: '7',
      generation: '1',
      checked: SERVER,
      issued: '2',
    });
  });

  it('never lowers the stock and never reopens a closed campaign', async () => {
    await gate({ total: 9, closed: 1 });
    expect(await update(5, PAST, 0, 0, 1)).toBe(1);
    expect(await redis.hmget(META, 'total', 'closed')).toEqual(['9', '1']);
  });

  it('is an error with a missing number and writes nothing', async () => {
    await gate();
    const before = await snapshot();
    await expect(update('', PAST, 0, 0, 1)).rejects.toThrow(/wrong arguments/);
    expect(await snapshot()).toEqual(before);
  });
});

describe('findUserCoupons', () => {
  const find = (...users: string[]) =>
    redis.findUserCoupons(UNDRAINED, '{p7}:coupon:', ':winners', ...users) as Promise<unknown[]>;

  it('finds what each user holds while the stream is not drained', async () => {
    await gate();
    const [, nowMs] = await issue(['a', 'k1']);
    expect(await find('A', 'a')).toEqual([String(COUPON), [null, `1 ${nowMs} k1`]]);
  });

  it('finds nothing when everything was settled: then MySQL has it', async () => {
    await gate();
    await issue(['a', 'k1']);
    await settleAll();
    expect(await find('a')).toEqual([]);
  });
});

/** Settles what is in the stream, as a worker does. */
async function settleAll(): Promise<number> {
  const found = await redis.xrange(STREAM, '-', '+');
  const args = found.flatMap(([id, fields]) => [id, COUPON, parseIssuedEntry(fields).rows.length]);
  return (await redis.settleEntries(STREAM, UNDRAINED, CONSUMER_GROUP, ...args)) as number;
}

describe('the fence', () => {
  it('answers UNCHECKED and writes nothing on a server on which the gate was not compared with MySQL', async () => {
    await gate();
    const before = await snapshot();
    expect(await issue(['a', 'k1'], { server: 'another:history' })).toEqual([3]);
    expect(await snapshot()).toEqual(before);
  });

  it('answers STALE and writes nothing to a caller that has seen a higher rank', async () => {
    await gate({ total: 100, issued: 10 });
    const before = await snapshot();
    expect(await issue(['a', 'k1'], { highestSeen: 30 })).toEqual([4]);
    expect(await snapshot()).toEqual(before);
    expect((await issue(['a', 'k1'], { highestSeen: 10 })).slice(2)).toEqual([11]);
  });

  it('a shut gate keeps the highest rank that a caller has seen, for a while', async () => {
    expect(await issue(['a', 'k1'], { highestSeen: 30 })).toEqual([0]);
    expect(await redis.hgetall(META)).toEqual({ issued: '30' });
    expect(await redis.ttl(META)).toBeGreaterThan(3_000);
    expect(await issue(['a', 'k1'], { highestSeen: 20 })).toEqual([0]);
    expect(await redis.hget(META, 'issued')).toBe('30');
  });

  it.each([
    ['an older generation', { generation: 2, highest: 5 }],
    ['a counter behind a rank that somebody has', { generation: 1, highest: 6 }],
  ])('shuts a gate with %s, and keeps the highest rank', async (_what, { generation, highest }) => {
    await gate({ issued: 5 });
    expect(await redis.checkGate(META, 'new:history', generation, highest)).toEqual([2, 1]);
    expect(await redis.hmget(META, 'total', 'issued')).toEqual([null, String(Math.max(5, highest))]);
    expect(await issue(['a', 'k1'])).toEqual([0]);
  });

  it('marks a gate that is not behind as checked, and says that there is none', async () => {
    await gate({ issued: 5, total: 9 });
    expect(await redis.checkGate(META, 'new:history', 1, 5)).toEqual([1, 1]);
    expect((await issue(['a', 'k1'], { server: 'new:history' })).slice(2)).toEqual([6]);
    await redis.del(META);
    expect(await redis.checkGate(META, 'new:history', 1, 5)).toEqual([0, 0]);
  });

  it('tells of many gates which are shut, unchecked and of which revision', async () => {
    await gate({ issued: 5, revision: 8 });
    const keys = [META, metaKey(COUPON + 16)];
    expect(await redis.inspectGates(2, ...keys, SERVER)).toEqual([5, 8, 1, -1, -1, 0]);
    expect(await redis.inspectGates(1, META, 'another:history')).toEqual([5, 8, 0]);
  });
});

describe('updateGate out of order', () => {
  it('an older update changes nothing', async () => {
    await gate({ total: 5, revision: 3 });
    const before = await snapshot();
    expect(await redis.updateGate(META, 9, FAR, FAR, 1, 2)).toBe(1);
    expect(await snapshot()).toEqual(before);
  });
});

describe('a window that is moved after the first coupon', () => {
  it('tells winners that they won, and the others when it opens', async () => {
    await gate();
    const [, nowMs] = await issue(['a', 'k1']);
    await redis.hset(META, 'opensAtMs', FAR);
    expect((await issue(['b', 'k2', 'a', 'k3'])).slice(2)).toEqual([-FAR, `1 ${nowMs} k1`]);
  });
});

describe('settleEntries', () => {
  it('counts out of the backlog what was counted in, once', async () => {
    await gate({ total: 10 });
    await issue(['a', 'k1', 'b', 'k2']);
    await issue(['c', 'k3']);
    expect(await redis.hgetall(UNDRAINED)).toEqual({ [COUPON]: '3', '*': '3' });
    const [first] = await redis.xrange(STREAM, '-', '+', 'COUNT', 1);
    const settle = () => redis.settleEntries(STREAM, UNDRAINED, CONSUMER_GROUP, first![0], COUPON, 2);
    expect([await settle(), await settle()]).toEqual([1, 0]);
    expect(await redis.hgetall(UNDRAINED)).toEqual({ [COUPON]: '1', '*': '1' });
  });

  it('an empty stream leaves no count behind, whoever forgot to count', async () => {
    await gate();
    await issue(['a', 'k1']);
    await redis.hincrby(UNDRAINED, '*', 5);
    await settleAll();
    expect(await redis.exists(UNDRAINED)).toBe(0);
  });
});

describe('when Redis is full', () => {
  it('entries are settled, groups made, gates checked and campaigns closed; nothing is issued', async () => {
    await gate();
    await issue(['a', 'k1']);
    await redis.config('SET', 'maxmemory', '1');
    try {
      await expect(issue(['b', 'k2'])).rejects.toThrow(/^OOM/);
      expect(await redis.ensureGroup(STREAM, CONSUMER_GROUP)).toBe(1);
      expect(await redis.ensureGroup(STREAM, CONSUMER_GROUP)).toBe(0);
      expect(await redis.updateGate(META, 3, PAST, 0, 1, 9)).toBe(1);
      expect(await redis.checkGate(META, SERVER, 1, 1)).toEqual([1, 1]);
      expect(await settleAll()).toBe(1);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
    expect(await redis.hget(META, 'closed')).toBe('1');
  });
});
