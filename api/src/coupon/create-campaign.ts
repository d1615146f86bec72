import type { Admission, AdmitCampaign } from './admit-campaign.js';
import type { StoredCampaign, SyncGate } from './sync-gate.js';
import type { CampaignStore } from './ports.js';
import type { NewCampaign } from './types.js';
import { requireAnswer } from './unavailable.js';

type CreateResult = { kind: 'created'; stored: StoredCampaign } | Extract<Admission, { kind: 'tooLarge' }>;

/** Throws `UnavailableError` when MySQL does not say that it has the campaign. */
export type CreateCampaign = (campaign: NewCampaign) => Promise<CreateResult>;

export const createCreateCampaign =
  (
    campaigns: Pick<CampaignStore, 'create'>,
    admitCampaign: AdmitCampaign,
    syncGate: SyncGate,
  ): CreateCampaign =>
  async (wanted) => {
    const admission = await admitCampaign(wanted.total);
    if (admission.kind === 'tooLarge') return admission;
    return {
      kind: 'created',
      stored: await syncGate(await requireAnswer('database', campaigns.create(wanted))),
    };
  };
