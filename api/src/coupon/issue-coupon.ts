import type { ArchiveReader } from './archive-reader.js';
import type { CouponDirectory } from './coupon-directory.js';
import type { Caller, IssueBatcher, OnOutcome } from './issue-batcher.js';
import type { CouponId, UserId } from './types.js';

/** `onOutcome` is called once, or never when the caller goes before anything was decided. */
export type IssueCoupon = (
  couponId: CouponId,
  userId: UserId,
  fingerprint: string,
  caller: Caller,
  onOutcome: OnOutcome,
) => void;

interface IssueCouponDeps {
  batcher: IssueBatcher;
  directory: CouponDirectory;
  archive: ArchiveReader;
}

/**
 * One user's try at one coupon. A shut gate says nothing about the coupon: the directory tells whether it exists, and
 * whether it was archived.
 */
export const createIssueCoupon =
  ({ batcher, directory, archive }: IssueCouponDeps): IssueCoupon =>
  (couponId, userId, fingerprint, caller, onOutcome) => {
    if (directory.isKnownUnknown(couponId)) {
      onOutcome({ kind: 'unknownCoupon' });
      return;
    }
    const archived = directory.recallArchived(couponId);
    if (archived) {
      archive.submit(couponId, { archived, userId, fingerprint, onOutcome });
      return;
    }
    batcher.submit(couponId, userId, fingerprint, caller, (outcome) => {
      if (outcome.kind !== 'notReady' || outcome.reason !== 'gateShut') {
        onOutcome(outcome);
        return;
      }
      void directory.lookUp(couponId).then((existence) => {
        switch (existence) {
          case 'live':
            return onOutcome(outcome);
          case 'unknown':
            return onOutcome({ kind: 'unknownCoupon' });
          case 'cannotTell':
            return onOutcome({ kind: 'notReady', reason: 'databaseUnavailable' });
          case 'archivedEnded':
          case 'archivedSoldOut':
            return archive.submit(couponId, { archived: existence, userId, fingerprint, onOutcome });
          default:
            return existence satisfies never;
        }
      });
    });
  };
