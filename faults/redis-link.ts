import { Redis } from 'ioredis';
import { readEnvironment, readSecrets } from '../stack/env-file.js';
import { requireMode, type Stack } from '../stack/types.js';

const secret = (): string => readSecrets(readEnvironment()).REDIS_PASSWORD;

/** Does something with a connection to a Redis of this machine, then closes it. Sentinels have no password here. */
export async function withRedisAt<T>(
  port: number,
  work: (redis: Redis) => Promise<T>,
  password: string | null = secret(),
): Promise<T> {
  const redis = new Redis({
    port,
    host: '127.0.0.1',
    ...(password && { password }),
    lazyConnect: true,
    maxRetriesPerRequest: 1,
    retryStrategy: null,
  });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

export async function withRedis<T>(stack: Stack, work: (redis: Redis) => Promise<T>): Promise<T> {
  // The Redis of compose has no published port.
  return await withRedisAt((await requireMode(stack, 'native').service('redis')).port, work);
}

/** Bytes. */
export const readUsedMemory = async (redis: Redis): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? NaN);
