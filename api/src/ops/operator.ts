import type { CampaignStore, DeadLetterStore, IssuedStore, LeaseStore } from '../coupon/ports.js';
import type { Campaign, CouponId } from '../coupon/types.js';
import type { Redis } from '../redis/connection.js';

/** What a command may use. */
export interface Operator {
  redis: Redis;
  campaigns: CampaignStore;
  issued: IssuedStore;
  letters: DeadLetterStore;
  leases: LeaseStore;
  /** One JSON object a line to stdout; waits while the reader is slow. */
  print: (line: object) => Promise<void>;
}

/** A wrong call: the message says how it is done. Status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It could not be done: the message says what to do next. Status 1. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

/** Throws `OperatorError` when MySQL does not know it. */
export async function requireCampaign(
  { campaigns }: Pick<Operator, 'campaigns'>,
  couponId: CouponId,
): Promise<Campaign> {
  const campaign = await campaigns.get(couponId);
  if (!campaign) throw new OperatorError(`There is no coupon ${couponId} in MySQL: check the number.`);
  return campaign;
}
