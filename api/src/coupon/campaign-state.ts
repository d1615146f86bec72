import type { Campaign } from './types.js';

export type CampaignState = 'scheduled' | 'open' | 'soldOut' | 'ended';

/**
 * For people to read: whether a coupon is issued is decided by the gate alone, by Redis's clock. `issued` is null when the
 * gate cannot tell; then nothing is called sold out.
 */
export function deriveState(campaign: Campaign, issued: number | null, nowMs: number): CampaignState {
  const { closedAt, closesAt, opensAt, total } = campaign;
  if (closedAt || (closesAt && closesAt.getTime() <= nowMs)) return 'ended';
  // What was archived and has not ended was sold out.
  if (campaign.archivedAt) return 'soldOut';
  if (opensAt.getTime() > nowMs) return 'scheduled';
  return issued !== null && issued >= total ? 'soldOut' : 'open';
}
