import type { CouponDirectory } from './coupon-directory.js';
import type { IssueBatcher, OnOutcome } from './issue-batcher.js';
import type { CouponId, UserId } from './types.js';

/** `onOutcome` is called exactly once. */
export type IssueCoupon = (couponId: CouponId, userId: UserId, attempt: string, onOutcome: OnOutcome) => void;

/** One user's try at one coupon. A shut gate says nothing about the coupon: the directory tells whether it exists. */
export const createIssueCoupon =
  (batcher: IssueBatcher, directory: CouponDirectory): IssueCoupon =>
  (couponId, userId, attempt, onOutcome) => {
    if (directory.isKnownUnknown(couponId)) {
      onOutcome({ kind: 'unknownCoupon' });
      return;
    }
    batcher.submit(couponId, userId, attempt, (outcome) => {
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
