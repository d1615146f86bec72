import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { runCommand } from '../../../api/src/ops/run-command.js';
import { metaKey, winnersKey } from '../../../api/src/redis/keys.js';
import { RedisGateOpener } from '../../../api/src/redis/redis-gate-opener.js';
import { Reconciler } from '../../../api/src/worker/reconciler.js';
import { users, WorkerEnvironment } from '../../../api/test/support/worker-environment.js';

let world: WorkerEnvironment;

beforeAll(async () => {
  world = await WorkerEnvironment.create();
});
afterEach(() => world.reset());
afterAll(() => world?.remove());

const lines: Record<string, unknown>[] = [];

async function reconcile(...args: string[]): Promise<Record<string, unknown>[]> {
  lines.length = 0;
  const print = async (line: object) => void lines.push(JSON.parse(JSON.stringify(line)));
  const { redis, campaigns, issued, letters, leases } = world;
  await runCommand({ redis, campaigns, issued, letters, leases, print }, ['reconcile', ...args]);
  return lines;
}

/** Three winners, written, with an open gate. */
async function drainedCampaign(): Promise<void> {
  await world.addEntry(1, 1, users(1, 3));
  const { drainer } = await world.startDrainer();
  await world.waitUntilDrained();
  await drainer.stop();
  await world.keeper().check();
}

describe('reconcile', () => {
  test('finds no gap when everything is drained', async () => {
    await drainedCampaign();
    const [campaign, sum] = await reconcile('--coupon', '1');
    expect(campaign).toEqual({
      couponId: 1,
      gate: 'open',
      issued: 3,
      winners: 3,
      persisted: 3,
      missingInMysql: 0,
      missingInRedis: 0,
      vacantRanks: 0,
    });
    expect(sum).toMatchObject({
      sum: { campaigns: 1, missingInMysql: 0 },
      lag: { entries: 0 },
      deadLetters: 0,
    });
  });

  test('counts what is under way without calling it a fault', async () => {
    await drainedCampaign();
    await world.redis.hset(winnersKey(1), 'late', '4 1700000000000 key');
    await world.redis.hset(metaKey(1), 'issued', 4);
    await world.addEntry(1, 4, ['late']);
    expect((await reconcile())[0]).toMatchObject({ missingInMysql: 1, vacantRanks: 1 });
  });

  test('fails when nothing is under way and a winner is not in MySQL', async () => {
    await drainedCampaign();
    await world.redis.hset(winnersKey(1), 'lost', '4 1700000000000 key');
    await world.redis.hset(metaKey(1), 'issued', 4);
    await expect(reconcile()).rejects.toThrow('differ though nothing is under way');
    expect(lines[0]).toMatchObject({ missingInMysql: 1, vacantRanks: 1 });
  });

  test('fails when Redis forgot a winner', async () => {
    await drainedCampaign();
    await world.redis.hdel(winnersKey(1), 'user-2');
    await expect(reconcile()).rejects.toThrow('differ though nothing is under way');
    expect(lines[0]).toMatchObject({ missingInRedis: 1 });
  });

  test('says that a gate is shut, and compares nothing then', async () => {
    await drainedCampaign();
    await world.redis.del(metaKey(1), winnersKey(1));
    expect(await reconcile()).toMatchObject([
      { gate: 'shut', missingInMysql: 0, missingInRedis: 0 },
      { sum: { shutGates: 1 } },
    ]);
  });

  test('the worker shows the same as metrics', async () => {
    await drainedCampaign();
    await world.redis.hdel(winnersKey(1), 'user-2');
    const registry = new Registry();
    const { redis, campaigns, issued } = world;
    const logger = pino({ level: 'silent' });
    const reconciler = new Reconciler({
      gates: new RedisGateOpener(redis),
      ...{ campaigns, issued, registry, logger },
    });
    await reconciler.check();
    const metrics = await registry.metrics();
    expect(metrics).toMatch(/^coupon_reconciliation_missing_in_redis 1$/m);
    expect(metrics).toMatch(/^coupon_reconciliation_missing_in_mysql 0$/m);
    expect(metrics).toMatch(/^coupon_gates_shut 0$/m);
    await redis.del(metaKey(1));
    await reconciler.check();
    expect(await registry.metrics()).toMatch(/^coupon_gates_shut 1$/m);
  });
});
