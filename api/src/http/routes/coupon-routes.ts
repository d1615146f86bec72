import { Router } from 'express';
import type { CouponView, ReadCoupon } from '../../coupon/read-coupon.js';
import { methodNotAllowed } from '../error-handler.js';
import { formatTime } from '../iso-time.js';
import { ProblemError } from '../problem.js';
import type { CouponBody } from '../schemas.js';
import { requireCouponId } from '../validate.js';

const ONE = '/api/v1/coupons/:couponId';

const toCouponBody = ({ campaign, state, remaining }: CouponView): CouponBody => ({
  couponId: campaign.id,
  name: campaign.name,
  state,
  total: campaign.total,
  remaining,
  opensAt: formatTime(campaign.opensAt.getTime()),
  closesAt: campaign.closesAt && formatTime(campaign.closesAt.getTime()),
});

/** What a client may know of a campaign. It is up to a second old here (read-coupon.ts), and nginx keeps it for another. */
export function couponRoutes(readCoupon: ReadCoupon): Router {
  const router = Router();
  router.get(ONE, async (req, res) => {
    const view = await readCoupon(requireCouponId(req.params.couponId));
    if (!view) throw new ProblemError('unknown-coupon');
    res.set('cache-control', 'public, max-age=1').json(toCouponBody(view) satisfies CouponBody);
  });
  router.all(ONE, methodNotAllowed('GET, HEAD'));
  return router;
}
