import { campaignState } from '../coupon/campaign-state.js';
import type { CampaignStatistics } from '../coupon/read-campaigns.js';
import type { CampaignReading } from '../coupon/sync-gate.js';
import { isoTime } from './iso-time.js';
import type { CampaignBody, CampaignStatisticsBody } from './schemas.js';

const timeOrNull = (time: Date | null): string | null => time && isoTime(time.getTime());

export function campaignBody({ campaign, gate, issued }: CampaignReading): CampaignBody {
  return {
    couponId: campaign.id,
    name: campaign.name,
    state: campaignState(campaign, issued, Date.now()),
    total: campaign.total,
    opensAt: isoTime(campaign.opensAt.getTime()),
    closesAt: timeOrNull(campaign.closesAt),
    closedAt: timeOrNull(campaign.closedAt),
    gate: campaign.archivedAt ? 'archived' : gate,
    issued,
    remaining: issued === null ? null : Math.max(0, campaign.total - issued),
  };
}

export const statisticsBody = (statistics: CampaignStatistics): CampaignStatisticsBody => ({
  ...campaignBody(statistics),
  persisted: statistics.persisted,
  lag: statistics.lag,
});
