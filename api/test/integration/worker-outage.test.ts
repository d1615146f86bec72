import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

const redisAnswers = () => until('Redis answers', () => environment.redis.ping());

describe('while MySQL is away', () => {
  afterEach(async () => {
    await until('the database answers', () => environment.campaigns.get(1));
  });

  test('entries wait, no delivery is counted against them, and all are written when it is back', async () => {
    const { metrics, drainer } = await environment.startDrainer('worker-1', { maxDeliveries: 1 });
    await environment.addEntry(1, 1, users(1, 10));
    await environment.waitUntilDrained();
    await environment.database.kill();
    await environment.addEntry(1, 11, users(11, 20));
    await until('two tries have failed', async () => {
      const { values } = await metrics.persistFailures.get();
      return values.some(({ labels, value }) => labels.fault === 'unavailable' && value >= 2);
    });
    expect((await environment.pending(1)).map(([, , , deliveries]) => deliveries)).toEqual([0]);
    expect(drainer.isHealthy).toBe(false);

    await environment.database.start();
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 20));
    expect(await environment.deadLetters()).toEqual([]);
    expect(drainer.isHealthy).toBe(true);
  });

  test('a worker that is told to stop gives its entries back', async () => {
    const { metrics, drainer } = await environment.startDrainer();
    await until('it may write', () => drainer.isHealthy);
    await environment.database.kill();
    await environment.addEntry(1, 1, users(1, 10));
    await until('a try has failed', async () => (await metrics.persistFailures.get()).values.length > 0);
    await drainer.stop();
    expect(await environment.pending(1)).toHaveLength(1);

    await environment.database.start();
    await environment.startDrainer();
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 10));
  });
});

describe('when Redis', () => {
  test('is killed and comes back, the worker goes on by itself', async () => {
    await environment.startDrainer();
    await environment.addEntry(1, 1, users(1, 10));
    await environment.waitUntilDrained();
    await environment.redisServer.kill();
    await environment.redisServer.start();
    await redisAnswers();
    await environment.addEntry(1, 11, users(11, 20));
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 20));
  });

  test('hangs and comes back, the worker goes on by itself', async () => {
    const { drainer } = await environment.startDrainer();
    await environment.addEntry(1, 1, users(1, 10));
    await environment.waitUntilDrained();
    environment.redisServer.pause();
    await until('the drainer notices', () => !drainer.isHealthy);
    environment.redisServer.resume();
    await redisAnswers();
    await environment.addEntry(1, 11, users(11, 20));
    await environment.waitUntilDrained();
    expect(await environment.ranks(1)).toEqual(range(1, 20));
  });

  test('loses everything, groups are made again and new entries are written', async () => {
    await environment.startDrainer();
    await environment.addEntry(1, 1, users(1, 10));
    await environment.waitUntilDrained();
    await environment.redis.flushall();
    await environment.addEntry(1, 11, users(11, 20));
    await until('the new rows are there', async () => (await environment.ranks(1)).length === 20);
    expect(await environment.ranks(1)).toEqual(range(1, 20));
    await environment.waitUntilDrained();
  });
});
