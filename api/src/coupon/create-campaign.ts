import type { SettledCampaign, SettleGate } from './settle-gate.js';
import type { CampaignStore, NewCampaign } from './stores.js';
import { asked } from './unavailable.js';

/** Throws `UnavailableError` when MySQL does not say that it has the campaign. */
export type CreateCampaign = (campaign: NewCampaign) => Promise<SettledCampaign>;

export const createCreateCampaign =
  (campaigns: Pick<CampaignStore, 'create'>, settleGate: SettleGate): CreateCampaign =>
  async (wanted) =>
    settleGate(await asked('database', campaigns.create(wanted)));
