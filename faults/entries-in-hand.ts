import type { Redis } from 'ioredis';
import { CONSUMER_GROUP, toPartition, streamKey } from '../api/src/redis/keys.js';

const MOST = 1_000;

/** Ids of the entries of this coupon's stream that are delivered to a worker and not settled. */
export async function entriesInHand(redis: Redis, couponId: number, worker: string): Promise<string[]> {
  const stream = streamKey(toPartition(couponId));
  const pending = await redis.xpending(stream, CONSUMER_GROUP, '-', '+', MOST, worker);
  return (pending as [id: string, ...unknown[]][]).map(([id]) => id);
}

/** Polls without a pause until the worker has entries in hand. Returns whether it had, within the time. */
export async function awaitEntriesInHand(
  redis: Redis,
  couponId: number,
  worker: string,
  withinMs: number,
): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline) if ((await entriesInHand(redis, couponId, worker)).length > 0) return true;
  return false;
}
