import { openGate } from '../coupon/open-gate.js';
import type { CouponId } from '../coupon/types.js';
import { RedisGateOpener } from '../redis/redis-gate-opener.js';
import { OperatorError, requireCampaign, type Operator } from './operator.js';

/**
 * Opens a shut gate from MySQL, as the worker does by itself. `force`: shuts an open one first, so that winners and rank are
 * taken from MySQL again; the API answers 503 meanwhile.
 */
export async function rebuild(operator: Operator, couponId: CouponId, force: boolean): Promise<void> {
  const { campaigns, redis, leases, print } = operator;
  const gates = new RedisGateOpener(redis);
  await requireCampaign(operator, couponId);
  if (force) await gates.shut(couponId);
  const outcome = await openGate({ campaigns, gates, leases }, couponId);
  if (outcome.kind === 'notDrained') {
    throw new OperatorError(
      `The stream or a worker still has entries of before, so the gate of coupon ${couponId} stays shut: see that a worker runs and ` +
        'that MySQL answers (command lag), then try again.',
    );
  }
  await print({ couponId, ...outcome });
}
