import type { Campaign, Issued } from '../coupon/types.js';
import type { Coupon, IssuedCoupon } from './generated/client.js';

export const toCampaign = (row: Coupon): Campaign => ({
  id: Number(row.id),
  name: row.name,
  total: row.total,
  opensAt: row.opensAt,
  closesAt: row.closesAt,
  closedAt: row.closedAt,
  revision: row.revision,
  archivedAt: row.archivedAt,
});

export const toIssued = (row: IssuedCoupon): Issued => ({
  couponId: Number(row.couponId),
  userId: row.userId,
  rank: row.rank,
  issuedAtMs: row.issuedAt.getTime(),
  fingerprint: row.attempt,
});
