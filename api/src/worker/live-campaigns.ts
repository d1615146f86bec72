import type { CampaignStore } from '../coupon/ports.js';
import type { Campaign, CouponId } from '../coupon/types.js';
import { walkLive } from '../coupon/walk-live.js';

/** Everything is read anew after so long: a change in a transaction that took longer than the overlap is seen then. */
const RELOAD_EVERY_MS = 60_000;
/** Looks overlap by so much, so that a change committed a little late is not missed. */
const OVERLAP_MS = 10_000;

/** A campaign that is not archived, and what is known of its gate. */
export interface KnownCampaign {
  campaign: Campaign;
  /** Highest rank seen in its gate; null: it was never compared with MySQL by this process. */
  highestRank: number | null;
}

/** The campaigns as MySQL has them, kept up to date by reading what has changed: most never change again. */
export class LiveCampaigns {
  readonly #byId = new Map<CouponId, KnownCampaign>();
  #reloadAtMs = 0;
  #readMs = 0;

  constructor(private readonly campaigns: Pick<CampaignStore, 'listLive'>) {}

  get(couponId: CouponId): KnownCampaign | undefined {
    return this.#byId.get(couponId);
  }

  ids(): CouponId[] {
    return [...this.#byId.keys()];
  }

  /** Throws when MySQL cannot be asked. */
  async refresh(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs >= this.#reloadAtMs) {
      const seen = await this.#read();
      for (const couponId of this.ids()) if (!seen.has(couponId)) this.#byId.delete(couponId);
      this.#reloadAtMs = nowMs + RELOAD_EVERY_MS;
    } else {
      await this.#read(Math.ceil(nowMs - this.#readMs) + OVERLAP_MS);
    }
    this.#readMs = nowMs;
  }

  async #read(changedWithinMs?: number): Promise<Set<CouponId>> {
    const seen = new Set<CouponId>();
    for await (const campaign of walkLive(this.campaigns, changedWithinMs)) {
      seen.add(campaign.id);
      this.#put(campaign);
    }
    return seen;
  }

  #put(campaign: Campaign): void {
    const known = this.#byId.get(campaign.id);
    if (campaign.archivedAt) this.#byId.delete(campaign.id);
    else if (known) known.campaign = campaign;
    else this.#byId.set(campaign.id, { campaign, highestRank: null });
  }
}
