import { Router } from 'express';
import type { ListUserCoupons } from '../../coupon/list-user-coupons.js';
import { methodNotAllowed } from '../error-handler.js';
import { formatTime } from '../iso-time.js';
import { parseUserId } from '../parse.js';
import { ProblemError } from '../problem.js';
import { userCouponsPageSchema, type UserCouponsBody } from '../schemas.js';
import { validate } from '../validate.js';

const MINE = '/api/v1/users/me/coupons';

/** What the user of `X-USER-ID` holds, at once after the 200 that promised it. */
export function userRoutes(listUserCoupons: ListUserCoupons): Router {
  const router = Router();
  router.get(MINE, async (req, res) => {
    const userId = parseUserId(req);
    if (userId === null) throw new ProblemError('invalid-user-id');
    const page = await listUserCoupons(userId, validate(userCouponsPageSchema, req.query, 'query'));
    if (!page) {
      throw new ProblemError('invalid-request', {
        detail: 'The query is not acceptable: see errors.',
        extension: { errors: [{ path: 'after', message: 'is no coupon of this user' }] },
      });
    }
    const coupons = page.coupons.map(({ couponId, rank, issuedAtMs }) => ({
      couponId,
      rank,
      issuedAt: formatTime(issuedAtMs),
    }));
    res.set('cache-control', 'no-store').json({ userId, coupons, next: page.next } satisfies UserCouponsBody);
  });
  router.all(MINE, methodNotAllowed('GET, HEAD'));
  return router;
}
