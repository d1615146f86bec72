import { Router, type Request, type Response } from 'express';
import type { ChangeCampaign, ChangeResult, CloseCampaign } from '../../coupon/change-campaign.js';
import type { CreateCampaign } from '../../coupon/create-campaign.js';
import type { ReadCampaigns } from '../../coupon/read-campaigns.js';
import type { StoredCampaign } from '../../coupon/sync-gate.js';
import type { CampaignChange } from '../../coupon/types.js';
import { bearerAuth } from '../bearer-auth.js';
import { toCampaignBody, toStatisticsBody } from '../campaign-body.js';
import { methodNotAllowed } from '../error-handler.js';
import { ProblemError } from '../problem.js';
import {
  campaignChangeSchema,
  campaignsPageSchema,
  newCampaignSchema,
  type CampaignBody,
  type CampaignsBody,
  type CampaignStatisticsBody,
} from '../schemas.js';
import { jsonBody, requireCouponId, validate } from '../validate.js';

interface AdminRoutesDeps {
  adminToken: string;
  createCampaign: CreateCampaign;
  changeCampaign: ChangeCampaign;
  closeCampaign: CloseCampaign;
  readCampaigns: ReadCampaigns;
}

const ROOT = '/api/v1/admin';
const CAMPAIGNS = `${ROOT}/coupons`;
const ONE = `${CAMPAIGNS}/:couponId`;

/** MySQL has it, that is certain. 202 instead of the usual status: Redis does not have it yet, the worker sees to it. */
function sendStored(res: Response, stored: StoredCampaign, status: 200 | 201): void {
  res.status(stored.applied ? status : 202).json(toCampaignBody(stored) satisfies CampaignBody);
}

const tooLarge = ({ neededBytes, availableBytes }: { neededBytes: number; availableBytes: number }) =>
  new ProblemError('campaign-too-large', {
    detail: `It needs ${neededBytes} bytes, and Redis has ${availableBytes} left beside what live campaigns may need.`,
    extension: { neededBytes, availableBytes },
  });

function sendChange(res: Response, result: ChangeResult): void {
  switch (result.kind) {
    case 'changed':
      return sendStored(res, result.stored, 200);
    case 'unknownCoupon':
      throw new ProblemError('unknown-coupon');
    case 'totalMayOnlyRise':
      throw new ProblemError('stock-cannot-shrink');
    case 'windowInvalid':
      throw new ProblemError('invalid-request', {
        detail: 'The window would end before it begins.',
        extension: { errors: [{ path: 'closesAt', message: 'must be after opensAt' }] },
      });
    case 'alreadyOpened':
      throw new ProblemError('already-opened');
    case 'closed':
      throw new ProblemError('campaign-closed');
    case 'tooLarge':
      throw tooLarge(result);
    default:
      return result satisfies never;
  }
}

/** Undefined members are left out: what is absent stays as it is. */
const toChange = (body: object): CampaignChange =>
  Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));

/** For operators; see bearer-auth.ts. Without a valid token nothing here exists, not even a 404. */
export function adminRoutes(deps: AdminRoutesDeps): Router {
  const router = Router();
  router.use(ROOT, bearerAuth(deps.adminToken), (_req, res, next) => {
    res.set('cache-control', 'no-store');
    next();
  });

  router.post(CAMPAIGNS, ...jsonBody, async (req: Request, res) => {
    const { name, total, opensAt, closesAt } = validate(newCampaignSchema, req.body, 'body');
    const wanted = { name, total, opensAt: opensAt ?? new Date(), closesAt: closesAt ?? null };
    const result = await deps.createCampaign(wanted);
    if (result.kind === 'tooLarge') throw tooLarge(result);
    const { stored } = result;
    res.location(`${CAMPAIGNS}/${stored.campaign.id}`);
    sendStored(res, stored, 201);
  });

  router.get(CAMPAIGNS, async (req, res) => {
    const { after, limit } = validate(campaignsPageSchema, req.query, 'query');
    const campaigns = await deps.readCampaigns.list({ afterId: after, limit });
    const next = campaigns.length === limit ? campaigns.at(-1)!.campaign.id : null;
    res.json({ campaigns: campaigns.map(toCampaignBody), next } satisfies CampaignsBody);
  });

  router.get(ONE, async (req, res) => {
    const statistics = await deps.readCampaigns.read(requireCouponId(req.params.couponId));
    if (!statistics) throw new ProblemError('unknown-coupon');
    res.json(toStatisticsBody(statistics) satisfies CampaignStatisticsBody);
  });

  router.patch(ONE, ...jsonBody, async (req: Request, res) => {
    const couponId = requireCouponId(req.params.couponId);
    const change = toChange(validate(campaignChangeSchema, req.body, 'body'));
    sendChange(res, await deps.changeCampaign(couponId, change));
  });

  router.post(`${ONE}/close`, async (req, res) => {
    const stored = await deps.closeCampaign(requireCouponId(req.params.couponId));
    if (!stored) throw new ProblemError('unknown-coupon');
    sendStored(res, stored, 200);
  });

  router.all(CAMPAIGNS, methodNotAllowed('GET, HEAD, POST'));
  router.all(ONE, methodNotAllowed('GET, HEAD, PATCH'));
  router.all(`${ONE}/close`, methodNotAllowed('POST'));
  return router;
}
