import { setTimeout as sleep } from 'node:timers/promises';
import { openGate } from '../coupon/open-gate.js';
import type { CouponId } from '../coupon/types.js';
import { DRAIN_WITHIN_MS, REVOKE_AFTER_MS } from '../worker/gate-keeper.js';
import { RedisGateOpener } from '../worker/redis-gate-opener.js';
import { OperatorError, type Operator } from './operator.js';

/**
 * Opens a shut gate from MySQL, as the worker does by itself. `force`: shuts an open one first, so that winners and rank are
 * taken from MySQL again; the API answers 503 meanwhile.
 */
export async function rebuild(operator: Operator, couponId: CouponId, force: boolean): Promise<void> {
  const { campaigns, redis, leases, print } = operator;
  const gates = new RedisGateOpener(redis);
  if (!(await campaigns.get(couponId)))
    throw new OperatorError(`There is no coupon ${couponId}: check the number.`);
  if (force) await gates.shut(couponId);
  const deps = {
    campaigns,
    gates,
    leases,
    drainWithinMs: DRAIN_WITHIN_MS,
    revokeAfterMs: REVOKE_AFTER_MS,
    pause: (ms: number) => sleep(ms),
  };
  const outcome = await openGate(deps, couponId);
  if (outcome.kind === 'notDrained') {
    throw new OperatorError(
      `The stream or a worker still holds entries of before, so the gate of coupon ${couponId} stays shut: see that a worker runs and ` +
        'that MySQL answers (command lag), then try again.',
    );
  }
  await print({ couponId, ...outcome });
}
