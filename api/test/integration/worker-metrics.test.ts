import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { readWorkerConfig } from '../../src/config.js';
import { connectRedis, waitUntilReady, type Redis } from '../../src/redis/connection.js';
import { allPartitions, streamKey } from '../../src/redis/keys.js';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.js';
import { startRedis, type TestRedis } from '../support/servers.js';

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  const config = readWorkerConfig({ ...server.env, DATABASE_URL: 'mysql://nobody:x@127.0.0.1:1/none' });
  redis = connectRedis(config, pino({ level: 'silent' }));
  await waitUntilReady(redis, 5_000);
});

afterAll(async () => {
  redis?.disconnect();
  await server?.stop();
});

const NO_LETTERS = { count: () => Promise.resolve(0) };

/** By XRANGE, which only the lag needs: it looks for the oldest entry of every stream. */
const streamsRead = async (): Promise<number> =>
  Number(/cmdstat_xrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);

test('a scrape reads every stream once for all gauges, and the next scrape reads again', async () => {
  const { registry } = createWorkerMetrics(redis, NO_LETTERS);
  await registry.metrics();
  expect(await streamsRead()).toBe(allPartitions().length);

  await redis.xadd(streamKey(0), '*', 'field', 'value');
  expect(await registry.metrics()).toContain('coupon_drain_lag_entries 1\n');
  expect(await streamsRead()).toBe(2 * allPartitions().length);
});

test('without an answer of Redis the lag is not a number', async () => {
  const { registry } = createWorkerMetrics(redis, NO_LETTERS);
  redis.disconnect();
  const page = await registry.metrics();
  expect(page).toContain('coupon_drain_lag_entries Nan\n');
  expect(page).toContain('coupon_drain_lag_oldest_seconds Nan\n');
});
