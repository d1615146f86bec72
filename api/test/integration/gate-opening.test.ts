import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { Campaign } from '../../src/coupon/types.js';
import { metaKey, winnersKey } from '../../src/redis/keys.js';
import { Archiver } from '../../src/worker/archiver.js';
import { RedisGateOpener } from '../../src/redis/redis-gate-opener.js';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

const persist = async (rows: readonly (readonly [userId: string, rank: number])[]) =>
  environment.issued.persist(
    rows.map(([userId, rank]) => ({ couponId: 1, userId, rank, issuedAtMs: 1, fingerprint: 'k' })),
    await environment.lease(),
  );

/** Notes how many winners were in place when the gate was opened. */
class WatchedOpener extends RedisGateOpener {
  winnersAtOpening: number | null = null;

  override async open(campaign: Campaign, highestRank: number, generation: number): Promise<number | null> {
    this.winnersAtOpening = await environment.redis.hlen(winnersKey(campaign.id));
    return super.open(campaign, highestRank, generation);
  }
}

describe('a gate is opened from MySQL', () => {
  test('only when every winner is in place: until then each could win once more', async () => {
    await persist(users(1, 1_200).map((user, i) => [user, i + 1]));
    const gates = new WatchedOpener(environment.redis);
    expect((await environment.openGates([1], { gates })).get(1)).toMatchObject({
      kind: 'opened',
      issued: 1_200,
    });
    expect(gates.winnersAtOpening).toBe(1_200);
  });

  test('after the highest rank, whatever gaps a loss has left', async () => {
    await persist([
      ['a', 1],
      ['b', 2],
      ['c', 7],
    ]);
    await environment.keeper().check();
    expect(await environment.redis.hget(metaKey(1), 'issued')).toBe('7');
  });
});

describe('a campaign that has been over for long', () => {
  const archiver = () => {
    const { campaigns, issued, letters, redis } = environment;
    const metrics = createWorkerMetrics(redis, letters);
    const logger = pino({ level: 'silent' });
    return new Archiver(
      { campaigns, issued, letters, gates: new RedisGateOpener(redis), logger, metrics },
      0,
    );
  };
  const closeNow = () =>
    environment.prisma.coupon.updateMany({ data: { closedAt: new Date(Date.now() - 60_000), revision: 1 } });

  test('leaves Redis when MySQL has all of its winners', async () => {
    await persist(users(1, 3).map((user, i) => [user, i + 1]));
    await environment.keeper().check();
    await closeNow();
    expect(await archiver().archiveAll()).toBe(1);
    expect(await environment.redis.exists(metaKey(1), winnersKey(1))).toBe(0);
  });

  test('stays in Redis as long as a winner is there that MySQL does not have', async () => {
    await persist(users(1, 3).map((user, i) => [user, i + 1]));
    await environment.keeper().check();
    await environment.redis.hset(winnersKey(1), 'only-here', '4 1700000000000 k');
    await closeNow();
    expect(await archiver().archiveAll()).toBe(0);
    expect(await environment.redis.hlen(winnersKey(1))).toBe(4);
    expect(await environment.ranks(1)).toEqual(range(1, 3));
  });
});
