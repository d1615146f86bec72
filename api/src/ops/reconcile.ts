import type { CouponId } from '../coupon/types.js';
import { readLag } from '../worker/lag.js';
import { reconcile, reconcileLive, type Reconciliation } from '../worker/reconcile.js';
import { OperatorError, type Operator } from './operator.js';

/**
 * One line a campaign, then the sum. Fails when nothing is under way and there is a gap all the same: while entries wait
 * for MySQL a gap is what it should be.
 */
export async function printReconciliation(operator: Operator, couponId: CouponId | null): Promise<void> {
  const { redis, campaigns, issued, letters, print } = operator;
  const lag = await readLag(redis);
  const sum = { campaigns: 0, missingInMysql: 0, missingInRedis: 0, vacantRanks: 0, shutGates: 0 };
  const add = async (one: Reconciliation) => {
    await print(one);
    sum.campaigns += 1;
    sum.missingInMysql += one.missingInMysql;
    sum.missingInRedis += one.missingInRedis;
    sum.vacantRanks += one.vacantRanks;
    if (one.gate === 'shut') sum.shutGates += 1;
  };
  if (couponId === null) {
    for await (const one of reconcileLive({ redis, campaigns, issued })) await add(one);
  } else {
    if (!(await campaigns.get(couponId)))
      throw new OperatorError(`There is no coupon ${couponId} in MySQL: check the number.`);
    await add(await reconcile({ redis, issued }, couponId));
  }
  const deadLetters = await letters.count();
  await print({ sum, lag, deadLetters });
  const isOff = sum.missingInRedis > 0 || sum.missingInMysql > 0 || sum.vacantRanks > 0;
  if (isOff && lag.entries === 0) {
    throw new OperatorError(
      'Redis and MySQL differ though nothing is under way: see dead-letters list, and docs/runbook.md.',
    );
  }
}
