import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { metaKey, toPartition, streamKey, winnersKey } from '../../api/src/redis/keys.js';
import { instanceFolder } from '../../common/paths.js';
import { waitUntil } from '../../common/wait-until.js';
import { readMetric } from '../read-metric.js';
import { withRedis } from '../redis-link.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';
import { INSTANCE } from '../environment.js';
import { untilGateOpen } from './redis.js';

const shape = () => ({ api: 3, worker: 1, env: {} });
const dataFolder = () => join(instanceFolder(INSTANCE), 'redis');
const copyFolder = () => join(instanceFolder(INSTANCE), 'redis-copy');

/** Nobody asks, and MySQL has everything: what is lost from here on was promised to nobody. */
async function untilQuiet({ environment, client, couponId }: ScenarioRun): Promise<void> {
  client.setRate(0);
  await client.untilNobodyWaits();
  await environment.waitUntilDrained(couponId);
}

async function takeCopy({ environment }: ScenarioRun): Promise<void> {
  await (await environment.service('redis')).stop();
  await rm(copyFolder(), { recursive: true, force: true });
  await cp(dataFolder(), copyFolder(), { recursive: true });
  await (await environment.service('redis')).start();
}

async function bringCopyBack({ environment }: ScenarioRun): Promise<void> {
  await (await environment.service('redis')).kill();
  await rm(dataFolder(), { recursive: true, force: true });
  await cp(copyFolder(), dataFolder(), { recursive: true });
}

/** The running Redis forgets the latest winners and takes its counter back, as after a failover to a replica that was behind. */
async function takeBack({ environment, couponId }: ScenarioRun, count: number): Promise<void> {
  await withRedis(environment.stack, async (redis) => {
    const issued = Number(await redis.hget(metaKey(couponId), 'issued'));
    const winners = await redis.hgetall(winnersKey(couponId));
    const late = Object.entries(winners).filter(
      ([, record]) => Number(record.split(' ')[0]) > issued - count,
    );
    await redis
      .multi()
      .hset(metaKey(couponId), 'issued', issued - count)
      .hdel(winnersKey(couponId), ...late.map(([user]) => user))
      .exec();
  });
}

const ROUNDS = 3;
const OLD_COPIES = 2 * ROUNDS;

export const redisStale: FaultScenario = {
  number: 21,
  fault: 'an old copy of Redis brought back: its disk, or its counter and winners while it runs',
  shape,
  rate: 300,
  // Copies are old only as long as something is issued after them.
  sellsOutAfterMs: null,
  modes: ['native'],
  async execute(run) {
    const { environment, client, rate, inject, pause, random } = run;
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(200, 1_000);
      await untilQuiet(run);
      await inject('stop redis, copy its disk and start it', () => takeCopy(run));
      client.setRate(rate);
      await untilGateOpen(run);
      await client.moreDecided(200);
      await untilQuiet(run);
      await inject(
        'bring an old copy of the disk back',
        async () => {
          await bringCopyBack(run);
          client.setRate(rate);
        },
        async () => (await environment.service('redis')).start(),
      );
      await untilGateOpen(run);
      await client.moreDecided(200);
      await untilQuiet(run);
      const count = random.between(5, 60);
      await inject(`take the last ${count} winners back`, async () => {
        await takeBack(run, count);
        client.setRate(rate);
      });
      await untilGateOpen(run);
      await client.moreDecided(100);
    }
  },
  async check({ environment }) {
    const names = ['worker-1', 'api-1', 'api-2', 'api-3'];
    const counts = await Promise.all(
      names.map((name) => readMetric(environment.stack, name, 'coupon_gates_stale_total')),
    );
    const seen = counts.reduce((sum, count) => sum + count, 0);
    return seen >= OLD_COPIES ? [] : [`coupon_gates_stale_total shows ${seen} old copies, not ${OLD_COPIES}`];
  },
};

const setMaxMemory = ({ environment }: ScenarioRun, bytes: (used: number) => number): Promise<void> =>
  withRedis(environment.stack, async (redis) => {
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1] ?? NaN);
    await redis.config('SET', 'maxmemory', bytes(used));
  });

/** The dead worker's entries are gone from the stream: what little comes meanwhile goes on. */
async function untilWritten({ environment, couponId }: ScenarioRun): Promise<void> {
  const [last] = await withRedis(environment.stack, (redis) =>
    redis.xrevrange(streamKey(toPartition(couponId)), '+', '-', 'COUNT', 1),
  );
  if (!last) return;
  const isWritten = () =>
    withRedis(environment.stack, async (redis) => {
      const left = await redis.xrange(streamKey(toPartition(couponId)), '-', last[0], 'COUNT', 1);
      return left.length === 0;
    });
  await waitUntil(isWritten, { what: 'everything is written', timeoutMs: 30_000, intervalMs: 50 });
}

const untilClosed = ({ environment }: ScenarioRun, couponId: number): Promise<void> =>
  waitUntil(
    () =>
      withRedis(environment.stack, async (redis) => (await redis.hget(metaKey(couponId), 'closed')) === '1'),
    { what: 'the gate is closed', timeoutMs: 5_000, intervalMs: 50 },
  );

const PLENTY_BYTES = 8 * 2 ** 30;
const REFUSALS = 50;
/** Of what is used: below all of it, so that small things that come and go make no room. */
const FULL_SHARE = 0.9;

export const redisFull: FaultScenario = {
  number: 22,
  fault: 'Redis full while the worker is dead: it starts, drains, buries and campaigns are closed',
  shape,
  rate: 200,
  // Who is told that it is sold out needs no memory.
  sellsOutAfterMs: null,
  modes: ['native'],
  async execute(run) {
    const { environment, client, couponId, inject, pause, expectDeadLetters } = run;
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(200, 1_000);
      const other = await environment.admin.createCampaign(`faults 22, to be closed ${round}`, 100);
      await inject('kill worker-1, and an entry that nobody can write', async () => {
        await (await environment.service('worker-1')).kill();
        await withRedis(environment.stack, (redis) =>
          redis.xadd(streamKey(toPartition(couponId)), '*', 'hello', `world ${round}`),
        );
        expectDeadLetters(1);
      });
      await client.moreDecided(100);
      await inject(
        'no memory is left',
        async () => {
          const before = client.report.failedTries;
          await setMaxMemory(run, (used) => Math.floor(used * FULL_SHARE));
          await waitUntil(() => client.report.failedTries - before >= REFUSALS, {
            what: 'clients are refused',
            timeoutMs: 30_000,
          });
          // It waits until the worker is ready, which it must become although nothing can be allocated.
          await (await environment.service('worker-1')).start();
          await untilWritten(run);
          await environment.operator.close(other);
          await untilClosed(run, other);
        },
        () => setMaxMemory(run, () => PLENTY_BYTES),
      );
      await client.moreDecided(100);
    }
  },
};
