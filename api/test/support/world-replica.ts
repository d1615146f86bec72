import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CouponId } from '../../src/coupon/types.js';
import { untilReady } from '../../src/redis/connection.js';
import { ADMIN_TOKEN, startReplica, type Replica } from './api-replica.js';
import { call, issue, type Answer } from './calls.js';
import type { WorkerWorld } from './worker-world.js';

/** A replica of the API on the servers of a worker's test. */
export const startWorldReplica = (
  { redisServer, config }: WorkerWorld,
  more: Record<string, string> = {},
): Promise<Replica> =>
  startReplica({
    ...redisServer.env,
    DATABASE_URL: config.DATABASE_URL,
    ADMIN_TOKEN,
    LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    ...more,
  });

/** Each user's attempt has a key of its own, so that the same call again is a replay. */
export const issueAll = (
  replica: Replica,
  couponId: CouponId,
  userIds: readonly string[],
): Promise<Answer[]> =>
  Promise.all(
    userIds.map((userId) => issue(replica.url, couponId, userId, { 'idempotency-key': `key-of-${userId}` })),
  );

export const ranksOf = (answers: readonly Answer[]): number[] =>
  answers.map(({ body }) => body['rank'] as number).toSorted((a, b) => a - b);

/** A counter or gauge of a replica; 0 when it has no such line. */
export async function readMetric(replica: Replica, name: string): Promise<number> {
  const text = (await call(`${replica.url}/metrics`)).body['text'] as string;
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
}

const readFolder = async ({ redis }: WorkerWorld): Promise<string> =>
  ((await redis.config('GET', 'dir')) as string[])[1]!;

/** Ends Redis and starts it again, doing something with its data folder meanwhile. */
export async function restartRedis(
  world: WorkerWorld,
  meanwhile: (folder: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const folder = await readFolder(world);
  const lost = new Promise<void>((resolve) => world.redis.once('close', () => resolve()));
  await world.redisServer.stop();
  await lost;
  await meanwhile(folder);
  await world.redisServer.start();
  await untilReady(world.redis, 10_000);
}

/** A copy of what Redis has on its disk now; Redis is restarted for it. `restore` puts it back in place. */
export async function copyRedis(
  world: WorkerWorld,
): Promise<{ restore: () => Promise<void>; remove: () => Promise<void> }> {
  const copy = await mkdtemp(join(tmpdir(), 'test-redis-copy-'));
  await restartRedis(world, (folder) => cp(folder, copy, { recursive: true }));
  return {
    restore: () =>
      restartRedis(world, async (folder) => {
        await rm(folder, { recursive: true });
        await cp(copy, folder, { recursive: true });
      }),
    remove: () => rm(copy, { recursive: true, force: true }),
  };
}
