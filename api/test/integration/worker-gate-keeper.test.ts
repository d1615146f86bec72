import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { metaKey, toPartition, registryKey, winnersKey } from '../../src/redis/keys.js';
import { NO_REPLICAS } from '../../src/redis/confirm-replicas.js';
import { RedisGate } from '../../src/redis/redis-gate.js';
import { ServerIdentity } from '../../src/redis/server-identity.js';
import { RedisGateOpener } from '../../src/redis/redis-gate-opener.js';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

/** One answer a user: `issued` or `alreadyIssued`, and the rank. */
async function issue(couponId: number, userIds: string[]): Promise<string[]> {
  const options = { backlogMaxCoupons: 1_000, ...NO_REPLICAS };
  // Nobody but the keeper under test compares gates with MySQL.
  const checkGate = () => Promise.resolve(false);
  const gate = new RedisGate(environment.redis, options, pino({ level: 'silent' }), checkGate);
  const attempts = userIds.map((userId) => ({ userId, fingerprint: `key-${Math.random()}` }));
  const outcomes = await gate.issue(couponId, attempts);
  return outcomes.map((outcome) => `${outcome.kind} ${'rank' in outcome ? outcome.rank : ''}`);
}

const meta = (couponId: number) => environment.redis.hgetall(metaKey(couponId));

describe('the gate keeper', () => {
  test('opens the gate of a fresh campaign with its settings', async () => {
    await environment.keeper().check();
    expect(await meta(1)).toEqual({
      total: '10000',
      opensAtMs: String(Date.UTC(2020, 0, 1)),
      closesAtMs: '0',
      closed: '0',
      revision: '0',
      generation: '1',
      checked: await ServerIdentity.get(environment.redis).read(),
      issued: '0',
    });
    expect(await environment.redis.smembers(registryKey(toPartition(1)))).toEqual(['1']);
    expect(await issue(1, ['a'])).toEqual(['issued 1']);
  });

  test('leaves an open gate alone', async () => {
    await environment.keeper().check();
    await issue(1, users(1, 5));
    await environment.keeper().check();
    expect(await meta(1)).toMatchObject({ issued: '5' });
  });

  test('after Redis lost everything, winners are known again and ranks go on', async () => {
    const keeper = environment.keeper();
    await keeper.check();
    await environment.startDrainer();
    await issue(1, users(1, 30));
    await environment.waitUntilDrained();
    const before = await environment.redis.hgetall(winnersKey(1));
    await environment.redis.flushall();

    await keeper.check();
    expect(await meta(1)).toMatchObject({ issued: '30' });
    expect(await environment.redis.hgetall(winnersKey(1))).toEqual(before);
    expect(await issue(1, ['user-7', 'new'])).toEqual(['alreadyIssued 7', 'issued 31']);
    await environment.waitUntilDrained();
    await until('the new row is there', async () => (await environment.ranks(1)).length === 31);
  });

  test('a lost gate stays shut until its stream is drained', async () => {
    const keeper = environment.keeper();
    await keeper.check();
    await issue(1, users(1, 30));
    await environment.redis.del(metaKey(1));
    await keeper.check();
    expect(await meta(1)).toEqual({});

    await environment.startDrainer();
    await environment.waitUntilDrained();
    await keeper.check();
    expect(await meta(1)).toMatchObject({ issued: '30' });
    expect(await environment.ranks(1)).toEqual(range(1, 30));
  });

  test('what a drainer holds in memory when Redis loses everything is written before the gate opens', async () => {
    const keeper = environment.keeper();
    await keeper.check();
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let isHeld = false;
    const persist: typeof environment.issued.persist = async (rows, lease) => {
      isHeld = true;
      await held;
      return environment.issued.persist(rows, lease);
    };
    await environment.startDrainer('worker-1', {}, { persist });
    await issue(1, users(1, 10));
    await until('the batch is in hand', () => isHeld);
    await environment.redis.flushall();

    const opening = environment.keeper({ drainWithinMs: 20_000 }).check();
    const barrier = async () => Number((await environment.prisma.recoveryBarrier.findFirstOrThrow()).number);
    const passed = async () => Number((await environment.prisma.workerLease.findFirstOrThrow()).passed);
    await until('the keeper waits', async () => (await barrier()) > (await passed()));
    expect(await meta(1)).toEqual({});
    letGo();
    await opening;
    expect(await meta(1)).toMatchObject({ issued: '10' });
  });

  test('when several check at once, one opens and the others find it open', async () => {
    await environment.createCoupon();
    const keepers = range(1, 4).map(() => environment.openGates([1]));
    const kinds = (await Promise.all(keepers)).map((outcomes) => outcomes.get(1)!.kind);
    expect(kinds.toSorted()).toEqual(['alreadyOpen', 'alreadyOpen', 'alreadyOpen', 'opened']);
  });

  test('repeats a change and a closing that never reached Redis', async () => {
    const keeper = environment.keeper();
    const coupon = await environment.createCoupon(5);
    await keeper.check();
    await environment.campaigns.update(coupon.id, { total: 9, closesAt: new Date(4_000_000_000_000) });
    await keeper.check();
    expect(await meta(coupon.id)).toMatchObject({ total: '9', closesAtMs: '4000000000000', closed: '0' });
    await environment.campaigns.close(coupon.id);
    await keeper.check();
    expect(await meta(coupon.id)).toMatchObject({ closed: '1' });
    const [campaign] = await environment.campaigns.list({ afterId: coupon.id - 1, limit: 1 });
    expect(await new RedisGateOpener(environment.redis).inspect([coupon.id])).toEqual([
      { couponId: coupon.id, issued: 0, revision: campaign!.revision, checked: true },
    ]);
  });

  test('a campaign that ended lately gets its gate back, so that its winners still learn that they won', async () => {
    const coupon = await environment.createCoupon(5);
    await environment.campaigns.close(coupon.id);
    await environment.keeper().check();
    expect(await meta(coupon.id)).toMatchObject({ closed: '1' });
  });

  test('says so when there is no such coupon', async () => {
    expect((await environment.openGates([4_711])).get(4_711)).toEqual({ kind: 'unknownCoupon' });
  });

  test('keeps on after MySQL was away', async () => {
    await environment.database.kill();
    const keeping = environment.startKeeper();
    await until('the keeper notices', () => keeping.isFailing);
    await environment.database.start();
    await until('the gate is open', async () => (await meta(1))['total']);
    await keeping.stop();
  });
});
