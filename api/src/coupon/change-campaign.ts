import type { Admission, AdmitCampaign } from './admit-campaign.js';
import type { StoredCampaign, SyncGate } from './sync-gate.js';
import type { CampaignStore } from './ports.js';
import type { CampaignChange, CouponId } from './types.js';
import { requireAnswer } from './unavailable.js';

export type ChangeResult =
  | { kind: 'changed'; stored: StoredCampaign }
  | { kind: 'unknownCoupon' }
  | { kind: 'totalMayOnlyRise' }
  | { kind: 'windowInvalid' }
  /** Somebody may hold a coupon: the beginning cannot be put off any more. Close it instead. */
  | { kind: 'alreadyOpened' }
  | { kind: 'closed' }
  | Extract<Admission, { kind: 'tooLarge' }>;

/** Both throw `UnavailableError` when MySQL does not say that it has the change. */
export type ChangeCampaign = (couponId: CouponId, change: CampaignChange) => Promise<ChangeResult>;
export type CloseCampaign = (couponId: CouponId) => Promise<StoredCampaign | null>;

export const createChangeCampaign =
  (
    campaigns: Pick<CampaignStore, 'get' | 'update'>,
    admitCampaign: AdmitCampaign,
    syncGate: SyncGate,
  ): ChangeCampaign =>
  async (couponId, change) => {
    const current = await requireAnswer('database', campaigns.get(couponId));
    if (!current) return { kind: 'unknownCoupon' };
    if (current.closedAt) return { kind: 'closed' };
    const now = new Date();
    if (current.opensAt <= now && change.opensAt && change.opensAt > now) return { kind: 'alreadyOpened' };
    const more = (change.total ?? 0) - current.total;
    if (more > 0) {
      const admission = await admitCampaign(more);
      if (admission.kind === 'tooLarge') return admission;
    }
    const update = await requireAnswer('database', campaigns.update(couponId, change));
    if (update.kind === 'updated') return { kind: 'changed', stored: await syncGate(update.campaign) };
    return { kind: update.kind };
  };

/** Null: unknown coupon. Closing a closed one changes nothing. */
export const createCloseCampaign =
  (campaigns: Pick<CampaignStore, 'close'>, syncGate: SyncGate): CloseCampaign =>
  async (couponId) => {
    const campaign = await requireAnswer('database', campaigns.close(couponId));
    return campaign && syncGate(campaign);
  };
