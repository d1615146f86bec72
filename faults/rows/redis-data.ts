import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { metaKey, toPartition, streamKey, winnersKey } from '../../api/src/redis/keys.js';
import { instanceFolder } from '../../common/paths.js';
import { waitUntil } from '../../common/wait-until.js';
import { withRedis } from '../redis-link.js';
import type { RowPlan, Scene } from '../row.js';
import { INSTANCE } from '../world.js';
import { open } from './open-scene.js';
import { untilGateOpen } from './redis.js';

const shape = () => ({ api: 3, worker: 1, env: {} });
const dataFolder = () => join(instanceFolder(INSTANCE), 'redis');
const copyFolder = () => join(instanceFolder(INSTANCE), 'redis-copy');

/** Nobody asks, and MySQL has everything: what is lost from here on was promised to nobody. */
async function untilQuiet({ world, client, couponId }: Scene): Promise<void> {
  client.setRate(0);
  await client.untilNobodyWaits();
  await world.drained(couponId);
}

async function takeCopy({ world }: Scene): Promise<void> {
  await world.actors.stop('redis');
  await rm(copyFolder(), { recursive: true, force: true });
  await cp(dataFolder(), copyFolder(), { recursive: true });
  await world.actors.start('redis');
}

async function bringCopyBack({ world }: Scene): Promise<void> {
  await world.actors.kill('redis');
  await rm(dataFolder(), { recursive: true, force: true });
  await cp(copyFolder(), dataFolder(), { recursive: true });
}

/** The running Redis forgets the latest winners and takes its counter back, as after a failover to a replica that was behind. */
async function takeBack({ world, couponId }: Scene, count: number): Promise<void> {
  await withRedis(world.stack, async (redis) => {
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

export const redisStale: RowPlan = {
  number: 21,
  fault: 'an old copy of Redis brought back: its disk, or its counter and winners while it runs',
  shape,
  rate: 300,
  // Copies are old only as long as something is issued after them.
  sellsOutAfterMs: null,
  modes: ['native'],
  async play(given) {
    const scene = open(given);
    const { world, client, rate, inject, pause, random } = scene;
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(200, 1_000);
      await untilQuiet(scene);
      await inject('stop redis, copy its disk and start it', () => takeCopy(scene));
      client.setRate(rate);
      await untilGateOpen(scene);
      await client.moreDecided(200);
      await untilQuiet(scene);
      await inject(
        'bring an old copy of the disk back',
        async () => {
          await bringCopyBack(scene);
          client.setRate(rate);
        },
        () => world.actors.start('redis'),
      );
      await untilGateOpen(scene);
      await client.moreDecided(200);
      await untilQuiet(scene);
      const count = random.between(5, 60);
      await inject(`take the last ${count} winners back`, async () => {
        await takeBack(scene, count);
        client.setRate(rate);
      });
      await untilGateOpen(scene);
      await client.moreDecided(100);
    }
  },
  async check({ world }) {
    const names = ['worker-1', 'api-1', 'api-2', 'api-3'];
    const counts = await Promise.all(names.map((name) => readStaleGates(world.stack, name)));
    const seen = counts.reduce((sum, count) => sum + count, 0);
    return seen >= OLD_COPIES ? [] : [`coupon_gates_stale_total shows ${seen} old copies, not ${OLD_COPIES}`];
  },
};

async function readStaleGates(stack: Scene['world']['stack'], name: string): Promise<number> {
  const { port } = await stack.service!(name);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^coupon_gates_stale_total (\S+)$/m.exec(text)?.[1] ?? NaN);
}

const setMaxMemory = ({ world }: Scene, bytes: (used: number) => number): Promise<void> =>
  withRedis(world.stack, async (redis) => {
    const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1] ?? NaN);
    await redis.config('SET', 'maxmemory', bytes(used));
  });

/** The dead worker's entries are gone from the stream: what little comes meanwhile goes on. */
async function untilWritten({ world, couponId }: Scene): Promise<void> {
  const [last] = await withRedis(world.stack, (redis) =>
    redis.xrevrange(streamKey(toPartition(couponId)), '+', '-', 'COUNT', 1),
  );
  if (!last) return;
  const isWritten = () =>
    withRedis(world.stack, async (redis) => {
      const left = await redis.xrange(streamKey(toPartition(couponId)), '-', last[0], 'COUNT', 1);
      return left.length === 0;
    });
  await waitUntil(isWritten, { what: 'everything is written', timeoutMs: 30_000, intervalMs: 50 });
}

const untilClosed = ({ world }: Scene, couponId: number): Promise<void> =>
  waitUntil(
    () => withRedis(world.stack, async (redis) => (await redis.hget(metaKey(couponId), 'closed')) === '1'),
    { what: 'the gate is closed', timeoutMs: 5_000, intervalMs: 50 },
  );

const PLENTY_BYTES = 8 * 2 ** 30;
const REFUSALS = 50;
/** Of what is used: below all of it, so that small things that come and go make no room. */
const FULL_SHARE = 0.9;

export const redisFull: RowPlan = {
  number: 22,
  fault: 'Redis full while the worker is dead: it starts, drains, buries and campaigns are closed',
  shape,
  rate: 200,
  // Who is told that it is sold out needs no memory.
  sellsOutAfterMs: null,
  modes: ['native'],
  async play(given) {
    const scene = open(given);
    const { world, client, couponId, inject, pause, expectDeadLetters } = scene;
    for (let round = 0; round < ROUNDS; round += 1) {
      await pause(200, 1_000);
      const other = await world.admin.createCampaign(`faults row 22, to be closed ${round}`, 100);
      await inject('kill worker-1, and an entry that nobody can write', async () => {
        await world.actors.kill('worker-1');
        await withRedis(world.stack, (redis) =>
          redis.xadd(streamKey(toPartition(couponId)), '*', 'hello', `world ${round}`),
        );
        expectDeadLetters(1);
      });
      await client.moreDecided(100);
      await inject(
        'no memory is left',
        async () => {
          const before = client.report.failedTries;
          await setMaxMemory(scene, (used) => Math.floor(used * FULL_SHARE));
          await waitUntil(() => client.report.failedTries - before >= REFUSALS, {
            what: 'clients are refused',
            timeoutMs: 30_000,
          });
          // It waits until the worker is ready, which it must become although nothing can be allocated.
          await world.actors.start('worker-1');
          await untilWritten(scene);
          await world.operator.close(other);
          await untilClosed(scene, other);
        },
        () => setMaxMemory(scene, () => PLENTY_BYTES),
      );
      await client.moreDecided(100);
    }
  },
};
