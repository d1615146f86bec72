import { createCampaign, seedWinners } from '../system/campaigns.js';
import type { Replica } from '../system/replica.js';

/** A little more than 2¹⁷: the hash table has just doubled, which is when an entry takes the most. */
const COUPONS = 140_000;
const FIRST_USER = 10_000_000;

/** Bytes of Redis for each issued coupon once the workers have taken it; ids of 8 digits. */
export async function measureMemory({ admin, redis }: Replica): Promise<number> {
  const readUsed = async () => Number(/^used_memory_dataset:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  const couponId = await createCampaign(admin);
  const before = await readUsed();
  await seedWinners(redis, couponId, FIRST_USER, COUPONS);
  return ((await readUsed()) - before) / COUPONS;
}
