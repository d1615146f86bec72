import type { Admission, AdmitCampaign } from './admit-campaign.js';
import type { SettledCampaign, SettleGate } from './settle-gate.js';
import type { CampaignStore, NewCampaign } from './stores.js';
import { asked } from './unavailable.js';

type CreateResult = { kind: 'created'; settled: SettledCampaign } | Extract<Admission, { kind: 'tooLarge' }>;

/** Throws `UnavailableError` when MySQL does not say that it has the campaign. */
export type CreateCampaign = (campaign: NewCampaign) => Promise<CreateResult>;

export const createCreateCampaign =
  (
    campaigns: Pick<CampaignStore, 'create'>,
    admitCampaign: AdmitCampaign,
    settleGate: SettleGate,
  ): CreateCampaign =>
  async (wanted) => {
    const admission = await admitCampaign(wanted.total);
    if (admission.kind === 'tooLarge') return admission;
    return { kind: 'created', settled: await settleGate(await asked('database', campaigns.create(wanted))) };
  };
