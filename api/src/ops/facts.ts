import type { CouponId } from '../coupon/types.js';
import { metaKey, toPartition, streamKey, winnersKey } from '../redis/keys.js';
import { parseRecord } from '../redis/winner-record.js';
import { requireCampaign, type Operator } from './operator.js';

const SCAN_COUNT = 1_000;

/** Everything Redis and MySQL know of one coupon, for the audit: who has which rank, in both, and what is under way. */
export async function printFacts(operator: Operator, couponId: CouponId): Promise<void> {
  const { redis, issued, letters, print } = operator;
  const campaign = await requireCampaign(operator, couponId);
  const [total, rank] = await redis.hmget(metaKey(couponId), 'total', 'issued');
  await print({ source: 'meta', gate: total != null, total: Number(total ?? 0), issued: Number(rank ?? 0) });
  await print({ source: 'coupon', total: campaign.total });
  await printWinners(operator, couponId);
  for await (const page of issued.streamByCoupon(couponId)) {
    for (const { userId, rank, issuedAtMs } of page)
      await print({ source: 'mysql', userId, rank, issuedAtMs });
  }
  const partition = toPartition(couponId);
  const [entries, deadLetters] = await Promise.all([
    redis.xlen(streamKey(partition)),
    letters.count(partition),
  ]);
  await print({ source: 'stream', entries, deadLetters });
  await print({ source: 'end' });
}

/** HSCAN may return a user more than once: each is printed once. */
async function printWinners({ redis, print }: Operator, couponId: CouponId): Promise<void> {
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, pairs] = await redis.hscan(winnersKey(couponId), cursor, 'COUNT', SCAN_COUNT);
    cursor = next;
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const userId = pairs[i]!;
      if (seen.has(userId)) continue;
      seen.add(userId);
      const { rank, issuedAtMs } = parseRecord(pairs[i + 1]!);
      await print({ source: 'redis', userId, rank, issuedAtMs });
    }
  } while (cursor !== '0');
}
