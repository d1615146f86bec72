import type { Lag } from '../coupon/types.js';
import type { Redis } from './connection.js';
import { allPartitions, streamKey } from './keys.js';

/** Throws when Redis cannot be asked. */
export async function readLag(redis: Redis, partitions: readonly number[] = allPartitions()): Promise<Lag> {
  const [time, ...streams] = await Promise.all([
    redis.time(),
    ...partitions.map(async (partition) => {
      const key = streamKey(partition);
      const [length, first] = await Promise.all([redis.xlen(key), redis.xrange(key, '-', '+', 'COUNT', 1)]);
      return { length, firstMs: first[0] ? Number(first[0][0].split('-')[0]) : Infinity };
    }),
  ]);
  const nowMs = Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000);
  const oldestMs = Math.min(...streams.map(({ firstMs }) => firstMs));
  return {
    entries: streams.reduce((sum, { length }) => sum + length, 0),
    oldestAgeMs: oldestMs === Infinity ? 0 : Math.max(0, nowMs - oldestMs),
  };
}
