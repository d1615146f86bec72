import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '../support/servers.js';
import { range, users, WorkerWorld } from '../support/worker-world.js';

let world: WorkerWorld;

beforeAll(async () => {
  world = await WorkerWorld.create();
});
afterEach(() => world.reset());
afterAll(() => world?.remove());

const redisAnswers = () => until('Redis answers', () => world.redis.ping());

describe('while MySQL is away', () => {
  afterEach(async () => {
    await until('the database answers', () => world.campaigns.get(1));
  });

  test('entries wait, no delivery is counted against them, and all are written when it is back', async () => {
    const { metrics, drainer } = await world.startDrainer('worker-1', { maxDeliveries: 1 });
    await world.addEntry(1, 1, users(1, 10));
    await world.untilDrained();
    await world.database.kill();
    await world.addEntry(1, 11, users(11, 20));
    await until('two tries have failed', async () => {
      const { values } = await metrics.persistFailures.get();
      return values.some(({ labels, value }) => labels.fault === 'unavailable' && value >= 2);
    });
    expect((await world.pending(1)).map(([, , , deliveries]) => deliveries)).toEqual([0]);
    expect(drainer.isHealthy).toBe(false);

    await world.database.start();
    await world.untilDrained();
    expect(await world.ranks(1)).toEqual(range(1, 20));
    expect(await world.deadLetters()).toEqual([]);
    expect(drainer.isHealthy).toBe(true);
  });

  test('a worker that is told to stop gives its entries back', async () => {
    const { metrics, drainer } = await world.startDrainer();
    await until('it may write', () => drainer.isHealthy);
    await world.database.kill();
    await world.addEntry(1, 1, users(1, 10));
    await until('a try has failed', async () => (await metrics.persistFailures.get()).values.length > 0);
    await drainer.stop();
    expect(await world.pending(1)).toHaveLength(1);

    await world.database.start();
    await world.startDrainer();
    await world.untilDrained();
    expect(await world.ranks(1)).toEqual(range(1, 10));
  });
});

describe('when Redis', () => {
  test('is killed and comes back, the worker goes on by itself', async () => {
    await world.startDrainer();
    await world.addEntry(1, 1, users(1, 10));
    await world.untilDrained();
    await world.redisServer.kill();
    await world.redisServer.start();
    await redisAnswers();
    await world.addEntry(1, 11, users(11, 20));
    await world.untilDrained();
    expect(await world.ranks(1)).toEqual(range(1, 20));
  });

  test('hangs and comes back, the worker goes on by itself', async () => {
    const { drainer } = await world.startDrainer();
    await world.addEntry(1, 1, users(1, 10));
    await world.untilDrained();
    world.redisServer.pause();
    await until('the drainer notices', () => !drainer.isHealthy);
    world.redisServer.resume();
    await redisAnswers();
    await world.addEntry(1, 11, users(11, 20));
    await world.untilDrained();
    expect(await world.ranks(1)).toEqual(range(1, 20));
  });

  test('loses everything, groups are made again and new entries are written', async () => {
    await world.startDrainer();
    await world.addEntry(1, 1, users(1, 10));
    await world.untilDrained();
    await world.redis.flushall();
    await world.addEntry(1, 11, users(11, 20));
    await until('the new rows are there', async () => (await world.ranks(1)).length === 20);
    expect(await world.ranks(1)).toEqual(range(1, 20));
    await world.untilDrained();
  });
});
