import { BriefCache } from './brief-cache.js';
import { deriveState, type CampaignState } from './campaign-state.js';
import type { CouponDirectory } from './coupon-directory.js';
import type { CampaignStore, CouponGate, IssuedStore } from './ports.js';
import type { Campaign, CouponId } from './types.js';
import { requireAnswerWithin, UnavailableError } from './unavailable.js';

/** A campaign as a client sees it. */
export interface CouponView {
  campaign: Campaign;
  state: CampaignState;
  remaining: number;
}

/** Null: unknown coupon. Throws `UnavailableError` when it cannot be told. */
export type ReadCoupon = (couponId: CouponId) => Promise<CouponView | null>;

interface ReadCouponDeps {
  directory: CouponDirectory;
  campaigns: Pick<CampaignStore, 'get'>;
  gate: Pick<CouponGate, 'read'>;
  issued: Pick<IssuedStore, 'countByCoupon'>;
  /** How long a view is shown, in ms, and how many are kept. */
  rememberMs: number;
  rememberMax: number;
  /** Longest wait for MySQL, and for Redis. */
  limitMs: number;
}

/** In a rush everybody looks at the same coupon: one look a `rememberMs` at MySQL and Redis serves them all. */
export function createReadCoupon(deps: ReadCouponDeps): ReadCoupon {
  const { directory, rememberMs, rememberMax } = deps;
  const views = new BriefCache<CouponId, CouponView | null>({ rememberMs, max: rememberMax }, (couponId) =>
    readFresh(couponId, deps),
  );
  return (couponId) => (directory.isKnownUnknown(couponId) ? Promise.resolve(null) : views.get(couponId));
}

async function readFresh(couponId: CouponId, deps: ReadCouponDeps): Promise<CouponView | null> {
  const existence = await deps.directory.lookUp(couponId);
  if (existence === 'unknown') return null;
  if (existence === 'cannotTell') throw new UnavailableError('database');
  const campaign = await requireAnswerWithin(deps.limitMs, 'database', deps.campaigns.get(couponId));
  if (!campaign) return null;
  const issued = await countIssued(campaign, deps);
  const total = issued.total ?? campaign.total;
  return {
    campaign: { ...campaign, total },
    state: deriveState({ ...campaign, total }, issued.count, Date.now()),
    remaining: Math.max(0, total - issued.count),
  };
}

/** A campaign that is over, or archived, needs no gate any more: then MySQL knows. */
async function countIssued(
  campaign: Campaign,
  { gate, issued, limitMs }: ReadCouponDeps,
): Promise<{ count: number; total?: number }> {
  const state = await requireAnswerWithin(limitMs, 'redis', gate.read(campaign.id));
  if (state) return { count: state.issued, total: state.total };
  if (campaign.archivedAt || deriveState(campaign, null, Date.now()) === 'ended') {
    return { count: await requireAnswerWithin(limitMs, 'database', issued.countByCoupon(campaign.id)) };
  }
  throw new UnavailableError('redis', { cause: new Error(`the gate of coupon ${campaign.id} is shut`) });
}
