import { deriveState } from '../coupon/campaign-state.js';
import type { CampaignStatistics } from '../coupon/read-campaigns.js';
import type { CampaignReading } from '../coupon/sync-gate.js';
import { formatTime } from './iso-time.js';
import type { CampaignBody, CampaignStatisticsBody } from './schemas.js';

const timeOrNull = (time: Date | null): string | null => time && formatTime(time.getTime());

export function toCampaignBody({ campaign, gate, issued }: CampaignReading): CampaignBody {
  return {
    couponId: campaign.id,
    name: campaign.name,
    state: deriveState(campaign, issued, Date.now()),
    total: campaign.total,
    opensAt: formatTime(campaign.opensAt.getTime()),
    closesAt: timeOrNull(campaign.closesAt),
    closedAt: timeOrNull(campaign.closedAt),
    gate: campaign.archivedAt ? 'archived' : gate,
    issued,
    remaining: issued === null ? null : Math.max(0, campaign.total - issued),
  };
}

export const toStatisticsBody = (statistics: CampaignStatistics): CampaignStatisticsBody => ({
  ...toCampaignBody(statistics),
  persisted: statistics.persisted,
  lag: statistics.lag,
});
