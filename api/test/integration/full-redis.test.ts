import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { NO_REPLICAS } from '../../src/redis/confirm-replicas.js';
import { metaKey, toPartition, streamKey } from '../../src/redis/keys.js';
import { RedisGate } from '../../src/redis/redis-gate.js';
import { createReadMemory } from '../../src/redis/read-memory.js';
import type { Replica } from '../support/api-replica.js';
import { admin, issue } from '../support/calls.js';
import { until } from '../support/servers.js';
import { range, WorkerEnvironment } from '../support/worker-environment.js';
import { startEnvironmentReplica } from '../support/environment-replica.js';

const BATCH = 256;
const ROOM_BYTES = 2_000_000;

let environment: WorkerEnvironment;
let replica: Replica;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(async () => {
  await limitMemory(0);
  await replica.close();
  await environment.reset();
});
afterAll(() => environment?.remove());

const limitMemory = (bytes: number) => environment.redis.config('SET', 'maxmemory', bytes);

/** 0: no limit. */
async function usedMemory(): Promise<number> {
  await limitMemory(Number.MAX_SAFE_INTEGER);
  return (await createReadMemory(environment.redis)())!.usedBytes;
}

/** Coupon 1 is issued until Redis is full. Returns how many 200s there would have been. */
async function fillRedis(): Promise<number> {
  await limitMemory((await usedMemory()) + ROOM_BYTES);
  const options = { backlogMaxCoupons: 1_000_000, ...NO_REPLICAS };
  const gate = new RedisGate(environment.redis, options, pino({ level: 'silent' }), () =>
    Promise.resolve(false),
  );
  for (let issued = 0; ; issued += BATCH) {
    const attempts = range(issued + 1, issued + BATCH).map((n) => ({
      userId: `user-${n}`.padEnd(64, '-'),
      fingerprint: 'a'.repeat(22),
    }));
    const [outcome] = await gate.issue(1, attempts);
    if (outcome!.kind === 'notReady') return issued;
    expect(outcome!.kind).toBe('issued');
  }
}

/** A campaign whose stock Redis has no room for, one more, and no consumer group: no worker was ever there. */
async function prepare(): Promise<{ told: number; otherId: number }> {
  const { id } = await environment.createCoupon(10);
  await environment.campaigns.update(1, { total: 1_000_000 });
  await environment.openGates([1, id]);
  await environment.addRaw(1, ['no', 'entry']);
  replica = await startEnvironmentReplica(environment);
  const told = await fillRedis();
  expect(told).toBeGreaterThan(2_000);
  expect(await environment.redis.xinfo('GROUPS', streamKey(toPartition(1)))).toEqual([]);
  return { told, otherId: id };
}

describe('with a Redis that is full', () => {
  test('everything is drained and buried, campaigns are closed, issuing says 503, and goes on when there is room', async () => {
    const { told, otherId } = await prepare();
    // Less than an empty Redis takes: it stays full, however much is drained.
    await limitMemory(500_000);
    const refused = await issue(replica.url, 1, 'nobody');
    expect([refused.status, refused.body['code']]).toEqual([503, 'not-ready']);

    const { drainer } = await environment.startDrainer();
    const keeping = environment.startKeeper();
    await until(
      'every row is there',
      async () => (await environment.issued.countByCoupon(1)) === told,
      60_000,
    );
    await environment.waitUntilDrained();
    expect(await environment.deadLetters()).toMatchObject([{ reason: 'malformed', fields: ['no', 'entry'] }]);
    await until('the worker is well', () => drainer.isHealthy && !keeping.isFailing);
    await keeping.stop();

    const closed = await admin(replica.url, 'POST', `/${otherId}/close`);
    expect(closed.status).toBe(200);
    expect(await environment.redis.hget(metaKey(otherId), 'closed')).toBe('1');
    const created = await admin(replica.url, 'POST', '', {
      name: 'more',
      total: 1,
      opensAt: new Date().toISOString(),
    });
    expect([created.status, created.body['code']]).toEqual([409, 'campaign-too-large']);
    expect((await issue(replica.url, 1, 'nobody')).status).toBe(503);

    await limitMemory(0);
    const next = await issue(replica.url, 1, 'next');
    expect([next.status, next.body['rank']]).toEqual([200, told + 1]);
    expect((await issue(replica.url, otherId, 'late')).status).toBe(410);
  });

  test('draining makes room, and issuing goes on by itself', async () => {
    const { told } = await prepare();
    await limitMemory((await usedMemory()) - 100_000);
    expect((await issue(replica.url, 1, 'nobody')).status).toBe(503);
    await environment.startDrainer();
    const next = await until(
      'issuing goes on',
      async () => {
        const answer = await issue(replica.url, 1, 'next');
        return answer.status === 200 && answer;
      },
      60_000,
    );
    expect(next.body['rank']).toBe(told + 1);
    await until(
      'every row is there',
      async () => (await environment.issued.countByCoupon(1)) === told + 1,
      60_000,
    );
  });
});
