import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Campaign } from '../../src/coupon/types.js';
import { metaKey, winnersKey } from '../../src/redis/keys.js';
import { Archiver } from '../../src/worker/archiver.js';
import { RedisGateOpener } from '../../src/worker/redis-gate-opener.js';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.js';
import { range, users, WorkerWorld } from '../support/worker-world.js';

let world: WorkerWorld;

beforeAll(async () => {
  world = await WorkerWorld.create();
});
afterEach(() => world.reset());
afterAll(() => world?.remove());

const persist = async (rows: readonly (readonly [userId: string, rank: number])[]) =>
  world.issued.persist(
    rows.map(([userId, rank]) => ({ couponId: 1, userId, rank, issuedAtMs: 1, attempt: 'k' })),
    await world.lease(),
  );

/** Notes how many winners were in place when the gate was opened. */
class WatchedOpener extends RedisGateOpener {
  winnersAtOpening: number | null = null;

  override async open(campaign: Campaign, highestRank: number, generation: number): Promise<number | null> {
    this.winnersAtOpening = await world.redis.hlen(winnersKey(campaign.id));
    return super.open(campaign, highestRank, generation);
  }
}

describe('a gate is opened from MySQL', () => {
  test('only when every winner is in place: until then each could win once more', async () => {
    await persist(users(1, 1_200).map((user, i) => [user, i + 1]));
    const gates = new WatchedOpener(world.redis);
    expect((await world.openGates([1], { gates })).get(1)).toMatchObject({ kind: 'opened', issued: 1_200 });
    expect(gates.winnersAtOpening).toBe(1_200);
  });

  test('after the highest rank, whatever gaps a loss has left', async () => {
    await persist([
      ['a', 1],
      ['b', 2],
      ['c', 7],
    ]);
    await world.keeper().check();
    expect(await world.redis.hget(metaKey(1), 'issued')).toBe('7');
  });
});

describe('a campaign that has been over for long', () => {
  const archiver = () => {
    const { campaigns, issued, letters, redis } = world;
    const metrics = createWorkerMetrics(redis, letters);
    const logger = pino({ level: 'silent' });
    return new Archiver(
      { campaigns, issued, letters, gates: new RedisGateOpener(redis), logger, metrics },
      0,
    );
  };
  const closeNow = () =>
    world.prisma.coupon.updateMany({ data: { closedAt: new Date(Date.now() - 60_000), revision: 1 } });

  test('leaves Redis when MySQL has all of its winners', async () => {
    await persist(users(1, 3).map((user, i) => [user, i + 1]));
    await world.keeper().check();
    await closeNow();
    expect(await archiver().archiveAll()).toBe(1);
    expect(await world.redis.exists(metaKey(1), winnersKey(1))).toBe(0);
  });

  test('stays in Redis as long as a winner is there that MySQL does not have', async () => {
    await persist(users(1, 3).map((user, i) => [user, i + 1]));
    await world.keeper().check();
    await world.redis.hset(winnersKey(1), 'only-here', '4 1700000000000 k');
    await closeNow();
    expect(await archiver().archiveAll()).toBe(0);
    expect(await world.redis.hlen(winnersKey(1))).toBe(4);
    expect(await world.ranks(1)).toEqual(range(1, 3));
  });
});
