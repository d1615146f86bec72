import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ENTRY_BYTES, WINNER_BYTES } from '../../src/coupon/admit-campaign.js';
import { computeFingerprint } from '../../src/coupon/attempt-key.js';
import { NO_REPLICAS } from '../../src/redis/confirm-replicas.js';
import { toPartition, streamKey, winnersKey } from '../../src/redis/keys.js';
import { createReadMemory } from '../../src/redis/read-memory.js';
import { RedisGate } from '../../src/redis/redis-gate.js';
import { createLogger } from '../../src/logger.js';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { admin, createCampaign } from '../support/calls.js';
import { range } from '../support/worker-environment.js';

const MEBIBYTE = 1024 * 1024;
const BATCH = 256;

let backends: Backends;
let replica: Replica;

beforeAll(async () => {
  backends = await startBackends();
  replica = await startReplica(backends.env);
});
afterAll(async () => {
  await replica?.close();
  await backends?.remove();
});

const limitMemory = (bytes: number) => replica.redis.config('SET', 'maxmemory', bytes);

/** So that Redis has about so much left. */
async function leaveRoom(bytes: number): Promise<void> {
  await limitMemory(Number.MAX_SAFE_INTEGER);
  await limitMemory((await createReadMemory(replica.redis)())!.usedBytes + bytes);
}

const create = (total: number) =>
  admin(replica.url, 'POST', '', { name: 'Test', total, opensAt: new Date().toISOString() });

describe('a campaign that does not fit into Redis', () => {
  test('is refused with the numbers, and one that fits is created', async () => {
    await leaveRoom(50 * MEBIBYTE);
    const refused = await create(1_000_000);
    expect([refused.status, refused.body['code']]).toEqual([409, 'campaign-too-large']);
    const { neededBytes, availableBytes } = refused.body as { neededBytes: number; availableBytes: number };
    expect(neededBytes).toBeGreaterThan(1_000_000 * WINNER_BYTES);
    expect(availableBytes).toBeLessThan(50 * MEBIBYTE);
    expect(availableBytes).toBeGreaterThan(30 * MEBIBYTE);
    expect((await create(1_000)).status).toBe(201);
  });

  test('is refused when its stock is raised beyond that, and keeps the stock it has', async () => {
    await leaveRoom(50 * MEBIBYTE);
    const couponId = await createCampaign(replica.url, { total: 10 });
    const refused = await admin(replica.url, 'PATCH', `/${couponId}`, { total: 1_000_000 });
    expect([refused.status, refused.body['code']]).toEqual([409, 'campaign-too-large']);
    expect((await admin(replica.url, 'GET', `/${couponId}`)).body['total']).toBe(10);
    expect((await admin(replica.url, 'PATCH', `/${couponId}`, { total: 1_000 })).status).toBe(200);
  });

  test('counts what live campaigns have still to give', async () => {
    await leaveRoom(50 * MEBIBYTE);
    const total = 100_000;
    expect((await create(total)).status).toBe(201);
    const refused = await create(total);
    expect(refused.body['code']).toBe('campaign-too-large');
  });

  test('is created when Redis has no limit', async () => {
    await limitMemory(0);
    expect((await create(10_000_000)).status).toBe(201);
  });
});

describe('what a coupon is reckoned to take in Redis', () => {
  test.each([
    ['batches of a rush', BATCH],
    ['batches of one', 1],
  ])('is not less than it takes, with user ids of 64 characters, in %s', async (_, batch) => {
    await limitMemory(0);
    const couponId = await createCampaign(replica.url, { total: 1_000_000 });
    const gate = new RedisGate(
      replica.redis,
      { backlogMaxCoupons: 1_000_000, ...NO_REPLICAS },
      createLogger('test', 'silent'),
      () => Promise.resolve(false),
    );
    // A little more than a power of two: the hash's table has just doubled.
    const coupons = batch === 1 ? 4_200 : 132_000;
    for (let first = 1; first <= coupons; first += batch) {
      const attempts = range(first, first + batch - 1).map((n) => ({
        userId: String(n).padStart(64, 'u'),
        fingerprint: computeFingerprint(`key-${n}`),
      }));
      const [outcome] = await gate.issue(couponId, attempts);
      expect(outcome).toMatchObject({ kind: 'issued' });
    }
    const count = await replica.redis.hlen(winnersKey(couponId));
    const countBytes = async (key: string) =>
      Number(await replica.redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0));
    const winnerBytes = (await countBytes(winnersKey(couponId))) / count;
    const entryBytes = (await countBytes(streamKey(toPartition(couponId)))) / count;
    expect(winnerBytes).toBeLessThanOrEqual(WINNER_BYTES);
    expect(entryBytes).toBeLessThanOrEqual(ENTRY_BYTES);
  });
});
