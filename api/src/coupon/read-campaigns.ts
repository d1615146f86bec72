import type { CampaignStore, CouponGate, IssuedStore, ReadLag } from './ports.js';
import { toReading, type CampaignReading, type GateReading } from './sync-gate.js';
import type { CouponId, GateState, Lag } from './types.js';
import { requireAnswer } from './unavailable.js';

export interface CampaignStatistics extends CampaignReading {
  /** Rows in MySQL. */
  persisted: number;
  /** Null: Redis did not answer. */
  lag: Lag | null;
}

interface ReadCampaignsDeps {
  campaigns: Pick<CampaignStore, 'get' | 'list'>;
  gate: Pick<CouponGate, 'read' | 'readMany'>;
  issued: Pick<IssuedStore, 'countByCoupon'>;
  readLag: ReadLag;
  onFault: (err: unknown) => void;
}

/** Both throw `UnavailableError` when MySQL does not answer; without Redis the live numbers are missing. */
export interface ReadCampaigns {
  list(page: { afterId: CouponId; limit: number }): Promise<CampaignReading[]>;
  /** Null: unknown coupon. */
  read(couponId: CouponId): Promise<CampaignStatistics | null>;
}

const UNKNOWN: GateReading = { gate: 'unknown', issued: null };

export function createReadCampaigns(deps: ReadCampaignsDeps): ReadCampaigns {
  const orNull = async <T>(answer: Promise<T>): Promise<T | null> => {
    try {
      return await answer;
    } catch (err) {
      deps.onFault(err);
      return null;
    }
  };
  const readLive = async (couponId: CouponId): Promise<[GateState | null, Lag]> =>
    Promise.all([deps.gate.read(couponId), deps.readLag(couponId)]);

  return {
    async list(page) {
      const campaigns = await requireAnswer('database', deps.campaigns.list(page));
      const states = await orNull(deps.gate.readMany(campaigns.map(({ id }) => id)));
      return campaigns.map((campaign, i) => ({
        campaign,
        ...(states ? toReading(states[i] ?? null) : UNKNOWN),
      }));
    },
    async read(couponId) {
      const campaign = await requireAnswer('database', deps.campaigns.get(couponId));
      if (!campaign) return null;
      // Redis before MySQL: a lag of 0 then means that every coupon issued so far is among the rows counted.
      const live = await orNull(readLive(couponId));
      const persisted = await requireAnswer('database', deps.issued.countByCoupon(couponId));
      const reading = live ? toReading(live[0]) : UNKNOWN;
      return { campaign, ...reading, persisted, lag: live && live[1] };
    },
  };
}
