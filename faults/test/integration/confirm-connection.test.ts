import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { connectRedis, waitUntilReady, type Redis } from '../../../api/src/redis/connection.js';
import {
  allPartitions,
  CONSUMER_GROUP,
  metaKey,
  toPartition,
  streamKey,
  winnersKey,
} from '../../../api/src/redis/keys.js';
import { RedisGate } from '../../../api/src/redis/redis-gate.js';
import { Drainer } from '../../../api/src/worker/drainer.js';
import { EntriesGoneError, EntryStreams } from '../../../api/src/redis/entry-streams.js';
import { createWorkerMetrics } from '../../../api/src/worker/worker-metrics.js';
import { startRedis, until, type TestRedis } from '../../../api/test/support/servers.js';
import { users, WorkerEnvironment } from '../../../api/test/support/worker-environment.js';

const logger = pino({ level: 'silent' });
const BLOCK_MS = 50;
const CONFIRMATION = { minReplicas: 1, replicaTimeoutMs: 300, onDisk: false };

/** The primary, with a replica that confirms everything at once. */
let world: WorkerEnvironment;
let replica: TestRedis;
/** The primary of before, which has what the present one never got. */
let former: TestRedis;
const clients: Redis[] = [];

async function clientOf(server: TestRedis, blocking?: { blockMs: number }): Promise<Redis> {
  const address = { REDIS_PORT: server.port, REDIS_PASSWORD: server.password };
  const client = connectRedis({ ...world.config, ...address }, logger, blocking);
  clients.push(client);
  await waitUntilReady(client, 5_000);
  return client;
}

beforeAll(async () => {
  [world, replica, former] = await Promise.all([WorkerEnvironment.create(), startRedis(), startRedis()]);
  const link = await clientOf(replica);
  await link.config('SET', 'masterauth', world.redisServer.password);
  await link.call('REPLICAOF', '127.0.0.1', String(world.redisServer.port));
  await until('the replica confirms', async () => {
    await world.redis.set('followed', 'yes');
    return (await world.redis.wait(1, 100)) === 1;
  });
});
afterEach(async () => {
  await world.reset();
  for (const client of clients.splice(0)) client.disconnect();
});
afterAll(() => Promise.all([world?.remove(), replica?.remove(), former?.remove()]));

describe('a worker whose primary was replaced between reading and writing', () => {
  test('is told that the entries are gone, however many replicas confirm', async () => {
    const blocking = await clientOf(world.redisServer, { blockMs: BLOCK_MS });
    const streams = new EntryStreams(world.redis, blocking, 'worker-1', CONFIRMATION);
    await streams.ensureGroups();
    await world.addEntry(1, 1, users(1, 5));
    await world.addEntry(2, 1, users(1, 5));
    const entries = await streams.readNew(10, BLOCK_MS);
    expect(entries).toHaveLength(2);
    await expect(streams.confirm(entries)).resolves.toBeUndefined();

    // One stream of the two is not what it was: the whole batch is from another server.
    await world.redis.del(streamKey(toPartition(2)));
    await streams.ensureGroups();
    await expect(streams.confirm(entries)).rejects.toThrow(EntriesGoneError);
    await expect(
      streams.confirm(entries.filter(({ partition }) => partition === 1)),
    ).resolves.toBeUndefined();
  });

  test('writes nothing of what it read from the one before', async () => {
    const old = await clientOf(former);
    const stream = streamKey(toPartition(1));
    for (const partition of allPartitions()) await old.ensureGroup(streamKey(partition), CONSUMER_GROUP);
    await old.xadd(stream, '*', 'c', 1, 't', Date.now(), 'r', 1, 'u', 'never-confirmed\tkey');
    // Its blocking read still hangs on the former primary, its commands go to the new one.
    const blocking = await clientOf(former, { blockMs: BLOCK_MS });
    const lease = await world.lease('worker-1');
    const drainer = new Drainer(
      {
        streams: new EntryStreams(world.redis, blocking, 'worker-1', CONFIRMATION),
        store: world.issued,
        letters: world.letters,
        currentLease: () => lease,
        logger,
        metrics: createWorkerMetrics(world.redis, world.letters),
      },
      { rowsMax: 500, blockMs: BLOCK_MS, claimIdleMs: 60_000, maxDeliveries: 3 },
    );
    drainer.start();
    try {
      await until('it has read the entry', async () => {
        const [pending] = (await old.xpending(stream, CONSUMER_GROUP)) as [number];
        return pending === 1;
      });
    } finally {
      // Not before it is through with what it has in hand.
      await drainer.stop();
    }
    expect(await world.ranks(1)).toEqual([]);
    expect(await world.deadLetters()).toEqual([]);
  });
});

describe('a replica of the api that loses its connection between the script and WAIT', () => {
  test('calls the outcome unknown: WAIT on the next connection would confirm what it never wrote', async () => {
    await world.keeper().check();
    const redis = await clientOf(world.redisServer);
    const options = { backlogMaxCoupons: 1_000, ...CONFIRMATION };
    const gate = new RedisGate(redis, options, logger, () => Promise.resolve(false));
    const attempt = { userId: 'lee', fingerprint: 'key' };
    expect(await gate.issue(1, [{ userId: 'first', fingerprint: 'key' }])).toMatchObject([
      { kind: 'issued', rank: 1 },
    ]);

    const script = redis.issueCoupons.bind(redis);
    redis.issueCoupons = async (...args: Parameters<typeof script>) => {
      const reply = await script(...args);
      const closed = once(redis, 'close');
      redis.disconnect(true);
      await closed;
      await waitUntilReady(redis, 5_000);
      return reply;
    };
    expect(await gate.issue(1, [attempt])).toEqual([{ kind: 'outcomeUnknown' }]);
    // On the new connection the replica confirms at once, be it what it may.
    expect(await redis.wait(1, 300)).toBe(1);

    redis.issueCoupons = script;
    expect(await gate.issue(1, [attempt])).toMatchObject([{ kind: 'issued', rank: 2, replayed: true }]);
    expect(await world.redis.hkeys(winnersKey(1))).toEqual(['first', 'lee']);
    expect(await world.redis.hget(metaKey(1), 'issued')).toBe('2');
  });
});
