import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { NO_REPLICAS } from '../../src/redis/confirm-replicas.js';
import { connectRedis, untilReady, type Redis } from '../../src/redis/connection.js';
import { metaKey, partitionOf, streamKey, undrainedKey, winnersKey } from '../../src/redis/keys.js';
import { RedisGate } from '../../src/redis/redis-gate.js';
import { EntryStreams, type StreamEntry } from '../../src/worker/entry-streams.js';
import { until } from '../support/servers.js';
import { range, users, WorkerWorld } from '../support/worker-world.js';

const logger = pino({ level: 'silent' });
/** What the release before this one ran: during an upgrade its replicas go on writing with it. */
const OLD_SCRIPT = readFileSync(new URL('../fixtures/issueCoupons-3.lua', import.meta.url), 'utf8');
const NEWER_CONSUMER = 'newer-version';

let world: WorkerWorld;

beforeAll(async () => {
  world = await WorkerWorld.create();
});
afterEach(() => world.reset());
afterAll(() => world?.remove());

const gateOf = (redis: Redis) =>
  new RedisGate(redis, { backlogMaxCoupons: 100_000, ...NO_REPLICAS }, logger, () => Promise.resolve(false));

const attemptsOf = (userIds: readonly string[]) =>
  userIds.map((userId) => ({ userId, attempt: `key-of-${userId}` }));

/** An entry of a version that only a later worker can read. */
const addVersion3 = (couponId: number, rank: number, userId: string) =>
  world.addRaw(couponId, ['v', 3, 'c', couponId, 't', Date.now(), 'r', rank, 'u', `${userId}\tkey`]);

/** A worker to which version 3 is the same as version 2: what the present one is to an entry of its own version. */
class LaterStreams extends EntryStreams {
  override async readNew(...args: Parameters<EntryStreams['readNew']>): Promise<StreamEntry[]> {
    return (await super.readNew(...args)).map(asVersion2);
  }

  override async claim(...args: Parameters<EntryStreams['claim']>): Promise<StreamEntry[]> {
    return (await super.claim(...args)).map(asVersion2);
  }
}

const asVersion2 = (entry: StreamEntry): StreamEntry => ({
  ...entry,
  fields: entry.fields.map((field, i) => (entry.fields[i - 1] === 'v' ? '2' : field)),
});

describe('stream entries', () => {
  test('of this version and of the one before are written alike, and only those that were counted are counted out', async () => {
    await world.keeper().check();
    await gateOf(world.redis).issue(1, attemptsOf(users(1, 5)));
    await world.addEntry(1, 6, users(6, 9));
    // Keeps the stream from becoming empty: then nothing would be left to count at all.
    await addVersion3(1, 10, 'later');
    const ofOthers = 7;
    await world.redis.hincrby(undrainedKey(partitionOf(1)), '*', ofOthers);
    expect(await world.redis.hgetall(undrainedKey(partitionOf(1)))).toEqual({ '1': '5', '*': '12' });

    await world.startDrainer();
    await until('both are settled', async () => (await world.redis.xlen(streamKey(partitionOf(1)))) === 1);
    expect(await world.ranks(1)).toEqual(range(1, 9));
    expect(await world.redis.hgetall(undrainedKey(partitionOf(1)))).toEqual({ '*': `${ofOthers}` });
  });

  test('of a later version are left alone however often they are met, and hold up nobody', async () => {
    const later = await addVersion3(1, 1, 'later');
    await world.addEntry(1, 2, users(2, 5));
    const { metrics, drainer } = await world.startDrainer('worker-1', { claimIdleMs: 100, maxDeliveries: 2 });
    // Met again each time it has been idle for the claim time: more often than an entry may be delivered.
    await until('it was met often', async () => (await metrics.setAside.get()).values[0]!.value >= 5);
    await world.addEntry(1, 6, users(6, 9));
    await until('the others are written', async () => (await world.ranks(1)).length === 8);

    expect(await world.ranks(1)).toEqual(range(2, 9));
    expect(await world.deadLetters()).toEqual([]);
    expect(drainer.isHealthy).toBe(true);
    await drainer.stop();
    expect((await world.pending(1)).map(([id, consumer]) => [id, consumer])).toEqual([
      [later, NEWER_CONSUMER],
    ]);
    expect(await world.redis.xlen(streamKey(partitionOf(1)))).toBe(1);
  });

  test('of a later version are written by a worker that knows it, after the claim time', async () => {
    await addVersion3(1, 1, 'later');
    const old = await world.startDrainer();
    await until('it is set aside', async () => (await world.pending(1))[0]?.[1] === NEWER_CONSUMER);
    await old.drainer.stop();

    const { redis, streams } = await laterStreams();
    try {
      await world.startDrainer('worker-2', { claimIdleMs: 100 }, world.issued, streams);
      await world.untilDrained();
      expect(await world.ranks(1)).toEqual([1]);
      expect(await world.deadLetters()).toEqual([]);
    } finally {
      redis.disconnect();
    }
  });
});

async function laterStreams() {
  const redis = connectRedis(world.config, logger, { blockMs: 50 });
  await untilReady(redis, 5_000);
  return { redis, streams: new LaterStreams(world.redis, redis, 'worker-2') };
}

describe('a winner record', () => {
  test('of a later version is refused: its user is told neither a rank nor that there is none', async () => {
    await world.keeper().check();
    await world.redis.hset(metaKey(1), 'issued', 7);
    await world.redis.hset(winnersKey(1), 'later', 'B7 1700000000000 key-of-later');
    const outcomes = await gateOf(world.redis).issue(1, attemptsOf(['later']));
    expect(outcomes).toEqual([{ kind: 'outcomeUnknown' }]);
    expect(await world.redis.hmget(metaKey(1), 'issued')).toEqual(['7']);
  });
});

describe('during an upgrade', () => {
  test('replicas of both releases issue at once, a new worker drains, and every coupon is written exactly once', async () => {
    const TOTAL = 1_200;
    const { id } = await world.createCoupon(TOTAL);
    await world.keeper().check();
    await world.startDrainer('worker-1', { rowsMax: 50 });
    const old = connectRedis(world.config, logger);
    await untilReady(old, 5_000);
    try {
      const told = new Map<string, number>();
      // More users than coupons; a fifth of them ask both releases.
      const batch = (release: string, n: number) =>
        Array.from({ length: 10 }, (_, i) => (i < 2 ? `both-${n}-${i}` : `${release}-${n}-${i}`));
      const issueNew = async (n: number) => {
        const userIds = batch('new', n);
        const outcomes = await gateOf(world.redis).issue(id, attemptsOf(userIds));
        outcomes.forEach((outcome, i) => {
          if (outcome.kind === 'issued') note(told, userIds[i]!, outcome.rank);
        });
      };
      const issueOld = async (n: number) => {
        const userIds = batch('old', n);
        const keys = [metaKey(id), winnersKey(id), streamKey(partitionOf(id))];
        const pairs = attemptsOf(userIds).flatMap(({ userId, attempt }) => [userId, attempt]);
        const reply = (await old.eval(OLD_SCRIPT, 3, ...keys, id, 100_000, 0, ...pairs)) as unknown[];
        reply.slice(2).forEach((answer, i) => {
          if (typeof answer === 'number' && answer > 0) note(told, userIds[i]!, answer);
        });
      };
      await Promise.all(
        [issueNew, issueOld].map(async (issue) => {
          for (let n = 0; n < 80; n += 1) await issue(n);
        }),
      );

      await world.untilDrained();
      expect(told.size).toBe(TOTAL);
      const written: [string, number][] = [];
      for await (const page of world.issued.streamByCoupon(id))
        for (const { userId, rank } of page) written.push([userId, rank]);
      expect(written.map(([, rank]) => rank)).toEqual(range(1, TOTAL));
      expect(new Map(written)).toEqual(told);
      for (const release of ['old', 'new'])
        expect(written.some(([userId]) => userId.startsWith(release))).toBe(true);
      expect(await world.deadLetters()).toEqual([]);
      expect(await world.redis.exists(undrainedKey(partitionOf(id)))).toBe(0);
    } finally {
      old.disconnect();
    }
  });
});

/** The same user may be told once more, by the other release: the same rank. */
function note(told: Map<string, number>, userId: string, rank: number): void {
  const before = told.get(userId);
  if (before !== undefined && before !== rank)
    throw new Error(`${userId} was told ranks ${before} and ${rank}`);
  told.set(userId, rank);
}
