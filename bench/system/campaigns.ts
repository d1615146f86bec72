import type { Redis } from 'ioredis';
import { computeFingerprint } from '../../api/src/coupon/attempt-key.js';
import { metaKey, toPartition, streamKey, winnersKey } from '../../api/src/redis/keys.js';
import { formatRecord } from '../../api/src/redis/winner-record.js';
import { waitUntil } from '../../common/wait-until.js';

/** More than any run can issue; the largest stock the admin API takes. */
export const PLENTY = 10_000_000;
const IN_FLIGHT = 8;
const SEED_CHUNK = 1_000;

/** Creates a campaign through a replica's admin API and returns its id. */
export async function createCampaign(apiUrl: string, adminToken: string, total: number): Promise<number> {
  const res = await fetch(`${apiUrl}/api/v1/admin/coupons`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', total, opensAt: '2020-01-01T00:00:00.000Z' }),
  });
  if (res.status !== 201) throw new Error(`creating a campaign: ${res.status} ${await res.text()}`);
  return ((await res.json()) as { couponId: number }).couponId;
}

/** Creates campaigns with consecutive ids and returns the first id. */
export async function createCampaigns(apiUrl: string, adminToken: string, count: number): Promise<number> {
  const ids: number[] = [];
  for (let i = 0; i < count; i += IN_FLIGHT) {
    const chunk = Array.from({ length: Math.min(IN_FLIGHT, count - i) }, () =>
      createCampaign(apiUrl, adminToken, PLENTY),
    );
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
  const issuedAtMs = Date.now();
  for (let rank = 1; rank <= count; rank += SEED_CHUNK) {
    const fields: string[] = [];
    for (let i = rank; i < Math.min(rank + SEED_CHUNK, count + 1); i += 1) {
      const user = String(firstUser + i - 1);
      fields.push(
        user,
        formatRecord({ rank: i, issuedAtMs, fingerprint: computeFingerprint(`seed-${user}`) }),
      );
    }
    await redis.hset(winnersKey(couponId), ...fields);
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
