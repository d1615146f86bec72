import type { CouponDirectory } from './coupon-directory.js';
import type { Caller, IssueBatcher, OnOutcome } from './issue-batcher.js';
import type { CouponId, UserId } from './types.js';

/** `onOutcome` is called once, or never when the caller goes before anything was decided. */
export type IssueCoupon = (
  couponId: CouponId,
  userId: UserId,
  attempt: string,
  caller: Caller,
  onOutcome: OnOutcome,
) => void;

/** One user's try at one coupon. A shut gate says nothing about the coupon: the directory tells whether it exists. */
export const createIssueCoupon =
  (batcher: IssueBatcher, directory: CouponDirectory): IssueCoupon =>
  (couponId, userId, attempt, caller, onOutcome) => {
    if (directory.isKnownUnknown(couponId)) {
      onOutcome({ kind: 'unknownCoupon' });
      return;
    }
    batcher.submit(couponId, userId, attempt, caller, (outcome) => {
      if (outcome.kind !== 'notReady' || outcome.reason !== 'gateShut') {
        onOutcome(outcome);
        return;
      }
      void directory.lookUp(couponId).then((existence) => {
        if (existence === 'unknown') onOutcome({ kind: 'unknownCoupon' });
        else if (existence === 'exists') onOutcome(outcome);
        else onOutcome({ kind: 'notReady', reason: 'databaseUnavailable' });
      });
    });
  };
