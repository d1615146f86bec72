import type { IssuedStore } from './ports.js';
import type { CouponId, Issued, UserId } from './types.js';
import { requireAnswerWithin } from './unavailable.js';
import type { UndrainedReader } from './undrained-reader.js';

interface UserCouponsPage {
  coupons: Issued[];
  /** Hand it in as `after` for the next page; null: this is the last one. */
  next: CouponId | null;
}

/**
 * Newest first, at most the newest 1,000 that MySQL has. Null: `after` is no coupon of this user. Throws
 * `UnavailableError` when it cannot be told.
 */
export type ListUserCoupons = (
  userId: UserId,
  page: { after: CouponId | null; limit: number },
) => Promise<UserCouponsPage | null>;

interface ListUserCouponsDeps {
  undrained: Pick<UndrainedReader, 'read'>;
  issued: Pick<IssuedStore, 'listByUser'>;
  /** Longest wait for Redis, and for MySQL. */
  limitMs: number;
}

export const createListUserCoupons =
  ({ undrained, issued, limitMs }: ListUserCouponsDeps): ListUserCoupons =>
  async (userId, { after, limit }) => {
    // Redis first: what leaves it between the two questions is in MySQL by the second.
    const inRedis = await requireAnswerWithin(limitMs, 'redis', undrained.read(userId));
    const persisted = await requireAnswerWithin(limitMs, 'database', issued.listByUser(userId));
    const all = sortNewestFirst([...inRedis, ...persisted]);
    const start = after === null ? 0 : all.findIndex(({ couponId }) => couponId === after) + 1;
    if (after !== null && start === 0) return null;
    const coupons = all.slice(start, start + limit);
    return { coupons, next: start + limit < all.length ? coupons.at(-1)!.couponId : null };
  };

/** A user has a coupon at most once, so the coupon id tells what both places have. */
const sortNewestFirst = (found: readonly Issued[]): Issued[] =>
  [...new Map(found.map((issued) => [issued.couponId, issued])).values()].sort(
    (a, b) => b.issuedAtMs - a.issuedAtMs || b.couponId - a.couponId,
  );
