import type { CampaignStore } from '../coupon/stores.js';
import type { Campaign, CouponId } from '../coupon/types.js';

const PAGE = 500;
/** Everything is read anew after so long: a change in a transaction that took longer than the overlap is seen then. */
const RELOAD_EVERY_MS = 60_000;
/** Looks overlap by so much, so that a change committed a little late is not missed. */
const OVERLAP_MS = 10_000;

/** A campaign that is not archived, and what is known of its gate. */
export interface LiveCampaign {
  campaign: Campaign;
  /** Highest rank seen in its gate; null: it was never compared with MySQL by this process. */
  highestRank: number | null;
}

/** The campaigns as MySQL has them, kept up to date by reading what has changed: most never change again. */
export class LiveCampaigns {
  readonly #byId = new Map<CouponId, LiveCampaign>();
  #reloadAtMs = 0;
  #readMs = 0;

  constructor(private readonly campaigns: Pick<CampaignStore, 'listLive'>) {}

  get(couponId: CouponId): LiveCampaign | undefined {
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
    for (let afterId = 0; ;) {
      const page = await this.campaigns.listLive({
        afterId,
        limit: PAGE,
        ...(changedWithinMs === undefined ? {} : { changedWithinMs }),
      });
      for (const campaign of page) {
        seen.add(campaign.id);
        this.#put(campaign);
      }
      if (page.length < PAGE) return seen;
      afterId = page.at(-1)!.id;
    }
  }

  #put(campaign: Campaign): void {
    const known = this.#byId.get(campaign.id);
    if (campaign.archivedAt) this.#byId.delete(campaign.id);
    else if (known) known.campaign = campaign;
    else this.#byId.set(campaign.id, { campaign, highestRank: null });
  }
}
