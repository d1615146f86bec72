import type { Redis } from 'ioredis';
import { computeFingerprint } from '../../api/src/coupon/attempt-key.js';
import { metaKey, toPartition, streamKey } from '../../api/src/redis/keys.js';
import { RedisGateOpener } from '../../api/src/redis/redis-gate-opener.js';
import { waitUntil } from '../../common/wait-until.js';
import type { AdminClient } from '../../loadtest/admin-client.js';

/** More than any run can issue; the largest stock the admin API takes. */
export const PLENTY = 10_000_000;
const IN_FLIGHT = 8;
const SEED_CHUNK = 10_000;

export const createCampaign = (admin: AdminClient, total = PLENTY): Promise<number> =>
  admin.createCampaign('bench', total);

/** Creates campaigns with consecutive ids and returns the first id. */
export async function createCampaigns(admin: AdminClient, count: number): Promise<number> {
  const ids: number[] = [];
  for (let i = 0; i < count; i += IN_FLIGHT) {
    const chunk = Array.from({ length: Math.min(IN_FLIGHT, count - i) }, () => createCampaign(admin));
    ids.push(...(await Promise.all(chunk)));
  }
  const first = Math.min(...ids);
  if (Math.max(...ids) - first !== count - 1) throw new Error('the ids of the campaigns are not consecutive');
  return first;
}

/** Puts winners in place as a rebuild does, as if their coupons had been issued and drained. For a fresh campaign. */
export async function seedWinners(
  redis: Redis,
  couponId: number,
  firstUser: number,
  count: number,
): Promise<void> {
  const opener = new RedisGateOpener(redis);
  const makeWinner = (rank: number) => {
    const userId = String(firstUser + rank - 1);
    return {
      couponId,
      userId,
      rank,
      issuedAtMs: Date.now(),
      fingerprint: computeFingerprint(`seed-${userId}`),
    };
  };
  for (let done = 0; done < count; done += SEED_CHUNK) {
    const length = Math.min(SEED_CHUNK, count - done);
    await opener.putWinners(Array.from({ length }, (_, i) => makeWinner(done + i + 1)));
  }
  await redis.hset(metaKey(couponId), 'issued', count);
}

/** Resolves when the workers have taken everything of this coupon's partition. */
export const untilDrained = (redis: Redis, couponId: number, intervalMs = 20): Promise<void> =>
  waitUntil(async () => (await redis.xlen(streamKey(toPartition(couponId)))) === 0, {
    what: `the stream of coupon ${couponId} is drained`,
    timeoutMs: 120_000,
    intervalMs,
  });
