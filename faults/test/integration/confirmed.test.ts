import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { connectRedis, untilReady } from '../../../api/src/redis/connection.js';
import { Drainer } from '../../../api/src/worker/drainer.js';
import { EntryStreams } from '../../../api/src/worker/entry-streams.js';
import { createWorkerMetrics } from '../../../api/src/worker/worker-metrics.js';
import { startRedis, until, type TestRedis } from '../../../api/test/support/servers.js';
import { range, users, WorkerWorld } from '../../../api/test/support/worker-world.js';

const logger = pino({ level: 'silent' });
const BLOCK_MS = 50;

let world: WorkerWorld;
let replica: TestRedis;

beforeAll(async () => {
  [world, replica] = await Promise.all([WorkerWorld.create(), startRedis()]);
});
afterEach(() => world.reset());
afterAll(() => Promise.all([world?.remove(), replica?.remove()]));

async function follow(host: string, port: string): Promise<void> {
  const link = connectRedis(
    { ...world.config, REDIS_PORT: replica.port, REDIS_PASSWORD: replica.password },
    logger,
  );
  await untilReady(link, 5_000);
  await link.config('SET', 'masterauth', world.redisServer.password);
  await link.call('REPLICAOF', host, port);
  link.disconnect();
}

describe('a worker that needs a confirmed replica', () => {
  test('writes nothing while there is none, counts no delivery against the entries, and all when there is one', async () => {
    const blocking = connectRedis(world.config, logger, { blockMs: BLOCK_MS });
    await untilReady(blocking, 5_000);
    const confirmation = { minReplicas: 1, replicaTimeoutMs: 50, onDisk: false };
    const lease = await world.lease('worker-1');
    const drainer = new Drainer(
      {
        streams: new EntryStreams(world.redis, blocking, 'worker-1', confirmation),
        store: world.issued,
        letters: world.letters,
        currentLease: () => lease,
        logger,
        metrics: createWorkerMetrics(world.redis, world.letters),
      },
      { rowsMax: 500, blockMs: BLOCK_MS, claimIdleMs: 60_000, maxDeliveries: 3 },
    );
    try {
      await world.addEntry(1, 1, users(1, 20));
      drainer.start();
      await until('it has the entry and says that it cannot go on', async () => {
        return (await world.pending(1)).length === 1 && !drainer.isHealthy;
      });
      // Many more tries than an entry may have deliveries.
      await until('it has tried often', async () => {
        const stats = await world.redis.info('commandstats');
        return Number(/cmdstat_wait:calls=(\d+)/.exec(stats)?.[1] ?? 0) > 8;
      });
      expect(await world.ranks(1)).toEqual([]);
      expect((await world.pending(1))[0]?.[3]).toBe(0);

      await follow('127.0.0.1', String(world.redisServer.port));
      await world.untilDrained();
      expect(await world.ranks(1)).toEqual(range(1, 20));
      expect(await world.deadLetters()).toEqual([]);
    } finally {
      await drainer.stop();
      blocking.disconnect();
      await follow('NO', 'ONE');
    }
  });
});
