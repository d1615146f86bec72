import type { CampaignStore, ReadMemory } from './ports.js';

/**
 * What one coupon takes in Redis at most, in bytes: the winner's record with a user id of 64 characters. Measured with
 * MEMORY USAGE of hashes of 100,000 such records: see admit-campaign.test.ts, which fails when it takes more.
 */
export const WINNER_BYTES = 200;
/** And in the stream until a worker has written it. */
export const ENTRY_BYTES = 130;
/** For everything else: connections, replication, the log's rewrite. */
const USABLE_SHARE = 0.9;

export type Admission =
  { kind: 'admitted' } | { kind: 'tooLarge'; neededBytes: number; availableBytes: number };

/** Whether so many more coupons fit into Redis, beside what live campaigns may still need. */
export type AdmitCampaign = (coupons: number) => Promise<Admission>;

interface AdmitCampaignDeps {
  campaigns: Pick<CampaignStore, 'countRemaining'>;
  readMemory: ReadMemory;
  /** Coupons that a partition's stream may hold. */
  backlogMaxCoupons: number;
  onFault: (err: unknown) => void;
}

/** When Redis cannot be asked everything is admitted: what does not fit in the end is refused by Redis, never lost. */
export const createAdmitCampaign =
  ({ campaigns, readMemory, backlogMaxCoupons, onFault }: AdmitCampaignDeps): AdmitCampaign =>
  async (coupons) => {
    try {
      const memory = await readMemory();
      if (!memory) return { kind: 'admitted' };
      const remaining = await campaigns.countRemaining();
      const neededBytes = coupons * WINNER_BYTES + Math.min(coupons, backlogMaxCoupons) * ENTRY_BYTES;
      const free = memory.maxBytes * USABLE_SHARE - memory.usedBytes - remaining * WINNER_BYTES;
      const availableBytes = Math.max(0, Math.floor(free));
      return neededBytes <= availableBytes
        ? { kind: 'admitted' }
        : { kind: 'tooLarge', neededBytes, availableBytes };
    } catch (err) {
      onFault(err);
      return { kind: 'admitted' };
    }
  };
