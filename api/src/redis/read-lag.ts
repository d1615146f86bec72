import type { Redis } from './connection.js';
import { streamKey } from './keys.js';

/** `oldestAgeMs` by Redis's clock, 0 when the stream is empty. Throws when Redis cannot be asked. */
export async function readLag(
  redis: Redis,
  partition: number,
): Promise<{ entries: number; oldestAgeMs: number }> {
  const key = streamKey(partition);
  // Sent together, on one connection: answered in this order.
  const [entries, oldest, time] = await Promise.all([
    redis.xlen(key),
    redis.xrange(key, '-', '+', 'COUNT', 1),
    redis.time(),
  ]);
  const first = oldest[0];
  if (!first) return { entries, oldestAgeMs: 0 };
  const [seconds, microseconds] = time;
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  return { entries, oldestAgeMs: Math.max(0, nowMs - Number.parseInt(first[0], 10)) };
}
