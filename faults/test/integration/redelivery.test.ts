import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Drainer } from '../../../api/src/worker/drainer.js';
import { createWorkerMetrics } from '../../../api/src/worker/worker-metrics.js';
import { until } from '../../../api/test/support/servers.js';
import { range, users, WorkerEnvironment } from '../../../api/test/support/worker-environment.js';

let world: WorkerEnvironment;

beforeAll(async () => {
  world = await WorkerEnvironment.create();
});
afterEach(() => world.reset());
afterAll(() => world?.remove());

describe('a worker that comes back to entries of its own', () => {
  test('counts no delivery against them before the database answers', async () => {
    await world.addEntry(1, 1, users(1, 20));
    await world.deliverTo('worker-1');
    const lease = await world.lease('worker-1');
    let asked = 0;
    const pingDatabase = async () => {
      asked += 1;
      if (asked <= 6) throw new Error('not yet');
    };
    const drainer = new Drainer(
      {
        streams: await world.createStreams('worker-1'),
        store: world.issued,
        letters: world.letters,
        currentLease: () => lease,
        pingDatabase,
        logger: pino({ level: 'silent' }),
        metrics: createWorkerMetrics(world.redis, world.letters),
      },
      { rowsMax: 500, blockMs: 50, claimIdleMs: 60_000, maxDeliveries: 3 },
    );
    drainer.start();
    try {
      await until('it has asked more often than an entry may be delivered', () => asked > 4);
      expect((await world.pending(1)).map(([, , , deliveries]) => deliveries)).toEqual([1]);
      await world.waitUntilDrained();
      expect(await world.ranks(1)).toEqual(range(1, 20));
      expect(await world.deadLetters()).toEqual([]);
    } finally {
      await drainer.stop();
    }
  });
});
