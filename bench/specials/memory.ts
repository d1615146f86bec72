import type { Replica } from '../lineup.js';
import { createCampaign, seedWinners, PLENTY } from '../system/campaigns.js';

/** A little more than 2¹⁷: the hash table has just doubled, which is when an entry takes the most. */
const COUPONS = 140_000;
const FIRST_USER = 10_000_000;

async function usedMemory(replica: Replica): Promise<number> {
  const info = await replica.redis.info('memory');
  return Number(/^used_memory_dataset:(\d+)/m.exec(info)?.[1]);
}

/** Bytes of Redis for each issued coupon once the workers have taken it; ids of 8 digits. */
export async function measureMemory(replica: Replica, adminToken: string): Promise<number> {
  const couponId = await createCampaign(replica.url, adminToken, PLENTY);
  const before = await usedMemory(replica);
  await seedWinners(replica.redis, couponId, FIRST_USER, COUPONS);
  return ((await usedMemory(replica)) - before) / COUPONS;
}
