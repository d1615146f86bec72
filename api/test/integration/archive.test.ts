import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { metaKey, toPartition, registryKey, winnersKey } from '../../src/redis/keys.js';
import { Archiver } from '../../src/worker/archiver.js';
import { RedisGateOpener } from '../../src/redis/redis-gate-opener.js';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.js';
import type { Replica } from '../support/api-replica.js';
import { admin, call, createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';
import { issueAll, toRanks, startEnvironmentReplica } from '../support/environment-replica.js';

let environment: WorkerEnvironment;
let replica: Replica;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
  replica = await startEnvironmentReplica(environment);
});
afterEach(() => environment.reset());
afterAll(async () => {
  await replica?.close();
  await environment?.remove();
});

type Deps = ConstructorParameters<typeof Archiver>[0];

const makeArchiver = (afterMs = 1, other: Partial<Deps> = {}): Archiver => {
  const { campaigns, issued, letters, redis } = environment;
  const metrics = createWorkerMetrics(redis, letters);
  const gates = new RedisGateOpener(redis);
  const logger = pino({ level: 'silent' });
  return new Archiver({ campaigns, issued, letters, gates, logger, metrics, ...other }, afterMs);
};

const untilArchived = (archiver = makeArchiver()) =>
  until('it is archived', async () => (await archiver.archiveAll()) === 1);

/** A campaign with its winners in MySQL; with as many as its stock it is sold out. */
async function makeCampaign(total: number, winners: number): Promise<number> {
  const couponId = await createCampaign(replica.url, { total });
  await environment.startDrainer();
  expect(toRanks(await issueAll(replica, couponId, users(1, winners)))).toEqual(range(1, winners));
  await until('every row is there', async () => (await environment.ranks(couponId)).length === winners);
  await environment.waitUntilDrained();
  return couponId;
}

const listKeys = (couponId: number) => environment.redis.keys(`*coupon:${couponId}:*`);
/** What a replica noted of a shut gate goes by itself. */
async function expectNothingToStay(couponId: number): Promise<void> {
  for (const key of await listKeys(couponId)) expect(await environment.redis.ttl(key)).toBeGreaterThan(0);
}
const patch = (couponId: number, change: object) => admin(replica.url, 'PATCH', `/${couponId}`, change);
const close = (couponId: number) => admin(replica.url, 'POST', `/${couponId}/close`);

/** Who has it learns it with the rank of then, by the same attempt and by another. */
async function expectWinnersToBeKnown(couponId: number, rank: number): Promise<void> {
  const userId = `user-${rank}`;
  const held = (await environment.issued.findHolders(couponId, [userId])).get(userId)!;
  const replay = await issue(replica.url, couponId, userId, { 'idempotency-key': `key-of-${userId}` });
  expect([replay.status, replay.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  const other = await issue(replica.url, couponId, userId);
  expect(other.status).toBe(409);
  for (const { body } of [replay, other]) {
    expect([body['rank'], body['issuedAt']]).toEqual([held.rank, new Date(held.issuedAtMs).toISOString()]);
  }
}

describe('a campaign that is over', () => {
  test('is answered from MySQL as before when it was closed: replay, conflict, ended, and both reads', async () => {
    const couponId = await makeCampaign(100, 5);
    const records = await environment.redis.hgetall(winnersKey(couponId));
    const expected = Object.entries(records).map(([user, record]) => [user, parseInt(record, 10)]);
    await close(couponId);
    await untilArchived();
    expect(await listKeys(couponId)).toEqual([]);
    expect(await environment.redis.smembers(registryKey(toPartition(couponId)))).not.toContain(
      String(couponId),
    );

    for (const [user, rank] of expected) {
      const again = await issue(replica.url, couponId, user as string);
      expect([again.status, again.body['rank']]).toEqual([409, rank]);
    }
    await expectWinnersToBeKnown(couponId, 3);
    const late = await issue(replica.url, couponId, 'late');
    expect([late.status, late.body['code']]).toEqual([410, 'ended']);
    const read = await call(`${replica.url}/api/v1/coupons/${couponId}`);
    expect([read.status, read.body['state'], read.body['remaining']]).toEqual([200, 'ended', 95]);
    const mine = await call(`${replica.url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': 'user-3' } });
    expect(mine.body['coupons']).toMatchObject([{ couponId }]);
    await expectNothingToStay(couponId);
  });

  test('is answered from MySQL when it was sold out, and comes back with its ranks when the stock is raised', async () => {
    const couponId = await makeCampaign(5, 5);
    await untilArchived();
    expect(await listKeys(couponId)).toEqual([]);
    const late = await issue(replica.url, couponId, 'late');
    expect([late.status, late.body['code']]).toEqual([410, 'sold-out']);
    await expectWinnersToBeKnown(couponId, 2);
    const read = await call(`${replica.url}/api/v1/coupons/${couponId}`);
    expect([read.body['state'], read.body['remaining']]).toEqual(['soldOut', 0]);

    // MySQL has it; the gate is the keeper's business.
    expect((await patch(couponId, { total: 8 })).status).toBe(202);
    await environment.keeper({ drainWithinMs: 10_000 }).check();
    expect(await environment.redis.hgetall(metaKey(couponId))).toMatchObject({ total: '8', issued: '5' });
    const next = await until('the replica looks again', async () => {
      const answer = await issue(replica.url, couponId, 'late');
      return answer.status === 200 && answer;
    });
    expect(next.body['rank']).toBe(6);
    await expectWinnersToBeKnown(couponId, 2);
  });

  test('is answered at every moment of being archived', async () => {
    const couponId = await makeCampaign(5, 5);
    const seen: number[] = [];
    const ask = async () => seen.push((await issue(replica.url, couponId, `late-${seen.length}`)).status);
    const campaigns: Deps['campaigns'] = {
      listArchivable: (...args) => environment.campaigns.listArchivable(...args),
      findExisting: (...args) => environment.campaigns.findExisting(...args),
      // Between the last step under the lock and its commit, and right after it.
      withLocked: async (id, work) => {
        // What a reader learns now is no longer true in a moment.
        await call(`${replica.url}/api/v1/coupons/${couponId}`);
        const done = await environment.campaigns.withLocked(id, async (locked) => {
          const result = await work(locked);
          await ask();
          return result;
        });
        await ask();
        return done;
      },
    };
    await untilArchived(makeArchiver(1, { campaigns }));
    await expectNothingToStay(couponId);
    expect(new Set(seen)).toEqual(new Set([410]));
  });

  test('leaves nothing in Redis when the worker dies in the middle, unless its stock was raised since', async () => {
    class Dying extends RedisGateOpener {
      override remove(): Promise<void> {
        return Promise.reject(new Error('dead'));
      }
    }
    const [gone, back] = [await makeCampaign(5, 5), await makeCampaign(6, 6)];
    const dying = makeArchiver(1, { gates: new Dying(environment.redis) });
    for (const couponId of [gone, back]) {
      await until('MySQL has archived it', async () => {
        await dying.archiveAll().catch(() => undefined);
        return (await environment.campaigns.get(couponId))?.archivedAt != null;
      });
      expect((await listKeys(couponId)).length).toBe(2);
    }
    await patch(back, { total: 8 });
    await makeArchiver().archiveAll();
    expect(await listKeys(gone)).toEqual([]);
    expect((await issue(replica.url, back, 'late')).body['rank']).toBe(7);
    await expectWinnersToBeKnown(gone, 3);
  });

  test('and whose gate was lost is archived, instead of 503 for ever', async () => {
    const couponId = await makeCampaign(100, 5);
    const ended = new Date(Date.now() - 8 * 24 * 3_600_000);
    await environment.prisma.coupon.updateMany({
      where: { id: BigInt(couponId) },
      data: { opensAt: new Date(0), closesAt: ended },
    });
    await environment.redis.flushall();
    expect((await issue(replica.url, couponId, 'late')).status).toBe(503);
    await untilArchived(makeArchiver(7 * 24 * 3_600_000));
    await until('the replica looks again', async () => {
      return (await issue(replica.url, couponId, 'late')).status === 410;
    });
    await expectWinnersToBeKnown(couponId, 4);
  });

  test('stays in Redis for as long as it should', async () => {
    const couponId = await makeCampaign(5, 5);
    await close(couponId);
    expect(await makeArchiver(60_000).archiveAll()).toBe(0);
    expect((await listKeys(couponId)).length).toBe(2);
  });

  test('stays in Redis with a dead letter, whose user keeps the coupon, until the letter is gone', async () => {
    const couponId = await makeCampaign(100, 5);
    // Promised, and MySQL does not take it.
    const [userId, record] = ['x'.repeat(65), `6 ${Date.now()} key`];
    await environment.redis.hset(winnersKey(couponId), userId, record);
    await environment.redis.hset(metaKey(couponId), 'issued', 6);
    await environment.addEntry(couponId, 6, [userId]);
    await environment.waitUntilDrained();
    await close(couponId);
    const archiver = makeArchiver();
    expect(await archiver.archiveAll()).toBe(0);
    expect(await environment.redis.hget(winnersKey(couponId), userId)).toBe(record);
    // A winner less, but the letter says that somebody was promised more.
    await environment.redis.hdel(winnersKey(couponId), userId);
    expect(await archiver.archiveAll()).toBe(0);
    const [letter] = await environment.deadLetters();
    await environment.letters.remove(letter!.id);
    await untilArchived(archiver);
  });

  test('stays in Redis with a winner whom MySQL does not have', async () => {
    const couponId = await makeCampaign(100, 5);
    await environment.redis.hset(winnersKey(couponId), 'user-6', `6 ${Date.now()} key`);
    await close(couponId);
    expect(await makeArchiver().archiveAll()).toBe(0);
    expect((await listKeys(couponId)).length).toBe(2);
  });

  test('is 503 while MySQL is away, and answered when it is back', async () => {
    const couponId = await makeCampaign(5, 5);
    await untilArchived();
    expect((await issue(replica.url, couponId, 'late')).status).toBe(410);
    await environment.database.kill();
    try {
      const answers = await issueAll(replica, couponId, ['user-1', 'late']);
      expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    } finally {
      await environment.database.start();
    }
    await until('it is answered', async () => (await issue(replica.url, couponId, 'late')).status === 410);
    await expectWinnersToBeKnown(couponId, 1);
  });
});
