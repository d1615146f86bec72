import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { metaKey, winnersKey } from '../../src/redis/keys.js';
import { createWorkerMetrics, type WorkerMetrics } from '../../src/worker/worker-metrics.js';
import type { Replica } from '../support/api-replica.js';
import { issue } from '../support/calls.js';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';
import {
  copyRedis,
  issueAll,
  toRanks,
  readMetric,
  restartRedis,
  startEnvironmentReplica,
} from '../support/environment-replica.js';

let environment: WorkerEnvironment;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await environment.reset();
});
afterAll(() => environment?.remove());

const meta = () => environment.redis.hgetall(metaKey(1));

/** Patient enough for a worker to pass the barrier at its next renewal. */
const makeKeeper = (metrics?: WorkerMetrics) => environment.keeper({ drainWithinMs: 10_000 }, metrics);

async function startReplica(): Promise<Replica> {
  const replica = await startEnvironmentReplica(environment);
  closers.push(() => replica.close());
  return replica;
}

/** Coupons for `user-first` to `user-last`, written to MySQL. */
async function issueAndDrain(replica: Replica, first: number, last: number): Promise<void> {
  expect(toRanks(await issueAll(replica, 1, users(first, last)))).toEqual(range(first, last));
  await until('every row is there', async () => (await environment.ranks(1)).length === last);
  await environment.waitUntilDrained();
}

/** What an old copy of Redis looks like, without a restart. */
async function turnBack(issued: number): Promise<void> {
  for (const [user, record] of Object.entries(await environment.redis.hgetall(winnersKey(1))))
    if (parseInt(record, 10) > issued) await environment.redis.hdel(winnersKey(1), user);
  await environment.redis.hset(metaKey(1), 'issued', issued);
}

/** The gate is opened from MySQL: ranks go on, and everybody keeps the rank that they were told. */
async function expectRanksToGoOn(replica: Replica, after: number): Promise<void> {
  const next = await issue(replica.url, 1, 'next');
  expect([next.status, next.body['rank']]).toEqual([200, after + 1]);
  const key = { 'idempotency-key': 'key-of-user-20' };
  const again = await issue(replica.url, 1, 'user-20', key);
  expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
  const other = await issue(replica.url, 1, 'user-20');
  expect([other.status, other.body['rank']]).toEqual([409, again.body['rank']]);
  await until('the new row is there', async () => (await environment.ranks(1)).includes(after + 1));
  expect(await environment.deadLetters()).toEqual([]);
}

describe('a running Redis whose data went back', () => {
  test('is not believed by the replica that has seen higher ranks, and ranks go on when the keeper opened the gate', async () => {
    const keeper = makeKeeper();
    await keeper.check();
    await environment.startDrainer();
    const replica = await startReplica();
    await issueAndDrain(replica, 1, 30);
    await turnBack(10);

    const refused = await issueAll(replica, 1, users(31, 40));
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([503]));
    expect(await readMetric(replica, 'coupon_gates_stale_total')).toBe(1);
    expect(await meta()).not.toHaveProperty('total');

    await keeper.check();
    expect(await meta()).toMatchObject({ issued: '30', generation: '2' });
    await expectRanksToGoOn(replica, 30);
  });

  test('is shut and opened from MySQL by a keeper that has seen higher ranks', async () => {
    const metrics = createWorkerMetrics(environment.redis, environment.letters);
    const keeper = makeKeeper(metrics);
    await keeper.check();
    await environment.startDrainer();
    const replica = await startReplica();
    await issueAndDrain(replica, 1, 30);
    await keeper.check();
    await turnBack(10);
    await keeper.check();
    expect((await metrics.staleGates.get()).values[0]?.value).toBe(1);
    await expectRanksToGoOn(replica, 30);
  });
});

describe('a Redis that was started with an older copy of its data', () => {
  async function bringBackOldCopy(): Promise<{ fresh: Replica; restore: () => Promise<void> }> {
    const keeper = makeKeeper();
    await keeper.check();
    const first = await startReplica();
    await environment.startDrainer();
    await issueAndDrain(first, 1, 10);
    const copy = await copyRedis(environment);
    closers.push(() => copy.remove());
    await until('the replica is back', () => first.redis.status === 'ready');
    await issueAndDrain(first, 11, 30);
    // It has seen nothing: only the comparison with MySQL keeps it from believing the copy.
    const fresh = await startReplica();
    return { fresh, restore: copy.restore };
  }

  test('issues nothing through a replica that has seen nothing, until the keeper opened the gate from MySQL', async () => {
    const { fresh, restore } = await bringBackOldCopy();
    await restore();
    expect(await meta()).toMatchObject({ issued: '10' });
    await until('the replica is back', () => fresh.redis.status === 'ready');
    expect((await issue(fresh.url, 1, 'early')).status).toBe(503);
    expect(await readMetric(fresh, 'coupon_gates_stale_total')).toBe(1);
    expect((await issue((await startReplica()).url, 1, 'early')).status).toBe(503);
    await makeKeeper().check();
    await expectRanksToGoOn(fresh, 30);
  });

  test('issues nothing while MySQL is away', async () => {
    const { fresh, restore } = await bringBackOldCopy();
    await environment.database.kill();
    await restore();
    await until('the replica is back', () => fresh.redis.status === 'ready');
    const answers = await issueAll(fresh, 1, users(31, 35));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(await meta()).toMatchObject({ issued: '10' });
    expect(await environment.redis.hlen(winnersKey(1))).toBe(10);

    await environment.database.start();
    const keeper = makeKeeper();
    await until('the gate is open', async () => {
      await keeper.check();
      return (await meta())['issued'] === '30';
    });
    await expectRanksToGoOn(fresh, 30);
  });
});

describe('a Redis that was started again', () => {
  test('with a gate of an older generation issues nothing, even when its counter is ahead', async () => {
    const keeper = makeKeeper();
    await keeper.check();
    await environment.startDrainer();
    await issueAndDrain(await startReplica(), 1, 30);
    await environment.redis.del(metaKey(1));
    await keeper.check();
    expect(await meta()).toMatchObject({ generation: '2', issued: '30' });

    await environment.redis.hset(metaKey(1), 'generation', 1, 'issued', 40);
    await restartRedis(environment);
    const replica = await startReplica();
    expect((await issue(replica.url, 1, 'early')).status).toBe(503);
    await makeKeeper().check();
    expect(await meta()).toMatchObject({ generation: '3' });
    await expectRanksToGoOn(replica, 40);
  });

  test('with its own data goes on after one comparison with MySQL', async () => {
    await makeKeeper().check();
    await environment.startDrainer();
    const replica = await startReplica();
    await issueAndDrain(replica, 1, 30);
    await restartRedis(environment);
    await until('the replica is back', () => replica.redis.status === 'ready');
    await expectRanksToGoOn(replica, 30);
    expect(await readMetric(replica, 'coupon_gates_stale_total')).toBe(0);
    expect(await meta()).toMatchObject({ generation: '1', issued: '31' });
  });
});
