import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CouponId } from '../../src/coupon/types.js';
import { waitUntilReady } from '../../src/redis/connection.js';
import { ADMIN_TOKEN, startReplica, type Replica } from './api-replica.js';
import { call, issue, type Answer } from './calls.js';
import type { WorkerEnvironment } from './worker-environment.js';

/** A replica of the API on the servers of a worker's test. */
export const startEnvironmentReplica = (
  { redisServer, config }: WorkerEnvironment,
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

export const toRanks = (answers: readonly Answer[]): number[] =>
  answers.map(({ body }) => body['rank'] as number).toSorted((a, b) => a - b);

/** A counter or gauge of a replica; 0 when it has no such line. */
export async function readMetric(replica: Replica, name: string): Promise<number> {
  const text = (await call(`${replica.url}/metrics`)).body['text'] as string;
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
}

const readFolder = async ({ redis }: WorkerEnvironment): Promise<string> =>
  ((await redis.config('GET', 'dir')) as string[])[1]!;

/** Ends Redis and starts it again, doing something with its data folder meanwhile. */
export async function restartRedis(
  environment: WorkerEnvironment,
  meanwhile: (folder: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const folder = await readFolder(environment);
  const lost = new Promise<void>((resolve) => environment.redis.once('close', () => resolve()));
  await environment.redisServer.stop();
  await lost;
  await meanwhile(folder);
  await environment.redisServer.start();
  await waitUntilReady(environment.redis, 10_000);
}

/** A copy of what Redis has on its disk now; Redis is restarted for it. `restore` puts it back in place. */
export async function copyRedis(
  environment: WorkerEnvironment,
): Promise<{ restore: () => Promise<void>; remove: () => Promise<void> }> {
  const copy = await mkdtemp(join(tmpdir(), 'test-redis-copy-'));
  await restartRedis(environment, (folder) => cp(folder, copy, { recursive: true }));
  return {
    restore: () =>
      restartRedis(environment, async (folder) => {
        await rm(folder, { recursive: true });
        await cp(copy, folder, { recursive: true });
      }),
    remove: () => rm(copy, { recursive: true, force: true }),
  };
}
