import { addGaps, NO_GAPS, reconcile, reconcileLive, type Reconciliation } from '../coupon/reconcile.js';
import type { CouponId } from '../coupon/types.js';
import { readLag } from '../redis/lag.js';
import { RedisGateOpener } from '../redis/redis-gate-opener.js';
import { requireCampaign, OperatorError, type Operator } from './operator.js';

/**
 * One line a campaign, then the sum. Fails when nothing is under way and there is a gap all the same: while entries wait
 * for MySQL a gap is what it should be.
 */
export async function printReconciliation(operator: Operator, couponId: CouponId | null): Promise<void> {
  const { redis, campaigns, issued, letters, print } = operator;
  const gates = new RedisGateOpener(redis);
  const lag = await readLag(redis);
  let gaps = NO_GAPS;
  let count = 0;
  const add = async (one: Reconciliation) => {
    await print(one);
    gaps = addGaps(gaps, one);
    count += 1;
  };
  if (couponId === null) {
    for await (const one of reconcileLive({ gates, campaigns, issued })) await add(one);
  } else {
    await requireCampaign(operator, couponId);
    await add(await reconcile({ gates, issued }, couponId));
  }
  const deadLetters = await letters.count();
  await print({ sum: { campaigns: count, ...gaps }, lag, deadLetters });
  const isOff = gaps.missingInRedis > 0 || gaps.missingInMysql > 0 || gaps.vacantRanks > 0;
  if (isOff && lag.entries === 0) {
    throw new OperatorError(
      'Redis and MySQL differ though nothing is under way: see dead-letters list, and docs/runbook.md.',
    );
  }
}
