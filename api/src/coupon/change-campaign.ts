import type { Admission, AdmitCampaign } from './admit-campaign.js';
import type { SettledCampaign, SettleGate } from './settle-gate.js';
import type { CampaignChange, CampaignStore } from './stores.js';
import type { CouponId } from './types.js';
import { asked } from './unavailable.js';

export type ChangeResult =
  | { kind: 'changed'; settled: SettledCampaign }
  | { kind: 'unknownCoupon' }
  | { kind: 'totalMayOnlyRise' }
  | { kind: 'windowInvalid' }
  /** Somebody may hold a coupon: the beginning cannot be put off any more. Close it instead. */
  | { kind: 'alreadyOpened' }
  | { kind: 'closed' }
  | Extract<Admission, { kind: 'tooLarge' }>;

/** Both throw `UnavailableError` when MySQL does not say that it has the change. */
export type ChangeCampaign = (couponId: CouponId, change: CampaignChange) => Promise<ChangeResult>;
export type CloseCampaign = (couponId: CouponId) => Promise<SettledCampaign | null>;

export const createChangeCampaign =
  (
    campaigns: Pick<CampaignStore, 'get' | 'update'>,
    admitCampaign: AdmitCampaign,
    settleGate: SettleGate,
  ): ChangeCampaign =>
  async (couponId, change) => {
    const current = await asked('database', campaigns.get(couponId));
    if (!current) return { kind: 'unknownCoupon' };
    if (current.closedAt) return { kind: 'closed' };
    const now = new Date();
    if (current.opensAt <= now && change.opensAt && change.opensAt > now) return { kind: 'alreadyOpened' };
    const more = (change.total ?? 0) - current.total;
    if (more > 0) {
      const admission = await admitCampaign(more);
      if (admission.kind === 'tooLarge') return admission;
    }
    const update = await asked('database', campaigns.update(couponId, change));
    if (update.kind === 'updated') return { kind: 'changed', settled: await settleGate(update.campaign) };
    return { kind: update.kind };
  };

/** Null: unknown coupon. Closing a closed one changes nothing. */
export const createCloseCampaign =
  (campaigns: Pick<CampaignStore, 'close'>, settleGate: SettleGate): CloseCampaign =>
  async (couponId) => {
    const campaign = await asked('database', campaigns.close(couponId));
    return campaign && settleGate(campaign);
  };
