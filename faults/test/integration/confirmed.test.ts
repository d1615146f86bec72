import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { ADMIN_TOKEN, startReplica, type Replica } from '../../../api/test/support/api-replica.js';
import { issue, type Answer } from '../../../api/test/support/calls.js';
import { checkConfirmation } from '../../../api/src/redis/confirm-replicas.js';
import { connectRedis, waitUntilReady } from '../../../api/src/redis/connection.js';
import { Drainer } from '../../../api/src/worker/drainer.js';
import { EntryStreams } from '../../../api/src/redis/entry-streams.js';
import { createWorkerMetrics } from '../../../api/src/worker/worker-metrics.js';
import { startRedis, until, type TestRedis } from '../../../api/test/support/servers.js';
import { range, users, WorkerEnvironment } from '../../../api/test/support/worker-environment.js';

const logger = pino({ level: 'silent' });
const BLOCK_MS = 50;

let world: WorkerEnvironment;
let replica: TestRedis;
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  [world, replica] = await Promise.all([WorkerEnvironment.create(), startRedis()]);
  await world.redis.config('SET', 'repl-diskless-sync-delay', '0');
});
afterEach(async () => {
  replica.resume();
  for (const close of closers.splice(0).toReversed()) await close();
  await follow('NO', 'ONE');
  await world.reset();
});
afterAll(() => Promise.all([world?.remove(), replica?.remove()]));

async function onReplica(
  command: (link: ReturnType<typeof connectRedis>) => Promise<unknown>,
): Promise<void> {
  const link = connectRedis(
    { ...world.config, REDIS_PORT: replica.port, REDIS_PASSWORD: replica.password },
    logger,
  );
  await waitUntilReady(link, 5_000);
  await command(link);
  link.disconnect();
}

async function follow(host: string, port: string): Promise<void> {
  await onReplica(async (link) => {
    await link.config('SET', 'masterauth', world.redisServer.password);
    await link.call('REPLICAOF', host, port);
  });
}

const isListed = async () => /slave0:.*state=online/.test(await world.redis.info('replication'));

async function followAndCatchUp(): Promise<void> {
  await follow('127.0.0.1', String(world.redisServer.port));
  await until('the replica follows', isListed);
}

/** Everything that was written so far, by whomever: WAIT alone would look at what this connection wrote. */
async function untilReplicaHasAll(): Promise<void> {
  await world.redis.set('written-last', '1');
  expect(await world.redis.wait(1, 700)).toBe(1);
}

const waits = async () =>
  Number(/cmdstat_wait:calls=(\d+)/.exec(await world.redis.info('commandstats'))?.[1] ?? 0);

/**
 * A worker as main-worker.ts makes one: with connections of its own, so that nothing that the test writes counts as written
 * by it. From Redis 7.2 on WAIT looks only at what its own connection wrote.
 */
async function startConfirmingDrainer(): Promise<Drainer> {
  const own = connectRedis(world.config, logger);
  const blocking = connectRedis(world.config, logger, { blockMs: BLOCK_MS });
  closers.push(() => [own, blocking].forEach((redis) => redis.disconnect()));
  await Promise.all([waitUntilReady(own, 5_000), waitUntilReady(blocking, 5_000)]);
  const confirmation = { minReplicas: 1, replicaTimeoutMs: 50, onDisk: false };
  const lease = await world.lease('worker-1');
  const drainer = new Drainer(
    {
      streams: new EntryStreams(own, blocking, 'worker-1', confirmation),
      store: world.issued,
      letters: world.letters,
      currentLease: () => lease,
      logger,
      metrics: createWorkerMetrics(own, world.letters),
    },
    { rowsMax: 500, blockMs: BLOCK_MS, claimIdleMs: 60_000, maxDeliveries: 3 },
  );
  closers.push(() => drainer.stop());
  drainer.start();
  return drainer;
}

describe('a worker that needs a confirmed replica', () => {
  test('writes nothing while there is none, counts no delivery against the entries, and all when there is one', async () => {
    await world.addEntry(1, 1, users(1, 20));
    const drainer = await startConfirmingDrainer();
    await until('it has the entry and says that it cannot go on', async () => {
      return (await world.pending(1)).length === 1 && !drainer.isHealthy;
    });
    // Many more tries than an entry may have deliveries.
    const before = await waits();
    await until('it has tried often', async () => (await waits()) > before + 8);
    expect(await world.ranks(1)).toEqual([]);
    expect((await world.pending(1))[0]?.[3]).toBe(0);

    await followAndCatchUp();
    await world.waitUntilDrained();
    expect(await world.ranks(1)).toEqual(range(1, 20));
    expect(await world.deadLetters()).toEqual([]);
  });

  test('writes nothing that a replica lacks, though the replica is listed and has all that the worker itself wrote', async () => {
    await followAndCatchUp();
    const drainer = await startConfirmingDrainer();
    await world.addEntry(1, 1, users(1, 20));
    await world.waitUntilDrained();

    await untilReplicaHasAll();
    replica.pause();
    await world.addEntry(1, 21, users(21, 30));
    // Whatever comes first: the wrong rows, or the word that it cannot go on.
    await until('the worker has tried', async () => {
      return !drainer.isHealthy || (await world.ranks(1)).length > 20;
    });
    const before = await waits();
    await until('it has tried again', async () => {
      return (await waits()) > before + 2 || (await world.ranks(1)).length > 20;
    });
    expect(await isListed()).toBe(true);
    expect(await world.ranks(1)).toEqual(range(1, 20));

    replica.resume();
    await world.waitUntilDrained();
    expect(await world.ranks(1)).toEqual(range(1, 30));
    expect(await world.deadLetters()).toEqual([]);
  });
});

describe('an api replica that needs a confirmed replica', () => {
  const startApi = async (more: Record<string, string> = {}): Promise<Replica> => {
    const api = await startReplica({
      ...world.redisServer.env,
      DATABASE_URL: world.config.DATABASE_URL,
      ADMIN_TOKEN,
      LOG_LEVEL: 'silent',
      REDIS_MIN_REPLICAS: '1',
      ...more,
    });
    closers.push(() => api.close());
    return api;
  };
  const summary = ({ status, body }: Answer) => [status, body['code'] ?? body['rank']];
  const ask = async (api: Replica, user: string) =>
    summary(await issue(api.url, 1, user, { 'idempotency-key': 'k' }));
  /** Repeats the call like a client: on a busy machine, or while the replica writes its file anew, it takes several. */
  const told = (api: Replica, user: string) =>
    until(`${user} is told`, async () => {
      const answer = await ask(api, user);
      return answer[0] === 200 && answer;
    });

  test('answers neither a new issue nor its replay with 200 before the replica has it', async () => {
    await followAndCatchUp();
    await world.keeper().check();
    const [first, second] = [await startApi(), await startApi()];
    // Both connections have written something that the replica has.
    expect(await told(first, 'a')).toEqual([200, 1]);
    expect(await told(second, 'b')).toEqual([200, 2]);

    await untilReplicaHasAll();
    replica.pause();
    expect(await ask(first, 'c')).toEqual([503, 'outcome-unknown']);
    expect(await ask(second, 'c')).toEqual([503, 'outcome-unknown']);
    replica.resume();
    expect(await told(second, 'c')).toEqual([200, 3]);
    expect(await told(first, 'c')).toEqual([200, 3]);
  });

  test('with REDIS_CONFIRM=disk a coupon counts only when it is on the disk of a replica; an older Redis is refused', async () => {
    const version = Number(/redis_version:(\d+\.\d+)/.exec(await world.redis.info('server'))?.[1]);
    if (version < 7.2) {
      const onDisk = { minReplicas: 1, replicaTimeoutMs: 50, onDisk: true };
      await expect(checkConfirmation(world.redis, onDisk, logger)).rejects.toThrow(/needs Redis 7.2/);
      return;
    }
    await followAndCatchUp();
    await world.keeper().check();
    const api = await startApi({ REDIS_CONFIRM: 'disk' });
    expect(await told(api, 'a')).toEqual([200, 1]);

    // It has all in memory and says so: WAIT alone would be content.
    await onReplica((link) => link.config('SET', 'appendonly', 'no'));
    expect(await ask(api, 'b')).toEqual([503, 'outcome-unknown']);
    await untilReplicaHasAll();
    expect(await ask(api, 'b')).toEqual([503, 'outcome-unknown']);

    await onReplica((link) => link.config('SET', 'appendonly', 'yes'));
    expect(await told(api, 'b')).toEqual([200, 2]);
  });
});
