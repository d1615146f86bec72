import type { CampaignStore } from './ports.js';
import type { Campaign } from './types.js';

const PAGE = 500;

/** Every campaign that is not archived, read in pages. `changedWithinMs`: see `CampaignStore.listLive`. */
export async function* walkLive(
  campaigns: Pick<CampaignStore, 'listLive'>,
  changedWithinMs?: number,
): AsyncGenerator<Campaign> {
  for (let afterId = 0; ;) {
    const changed = changedWithinMs === undefined ? {} : { changedWithinMs };
    const page = await campaigns.listLive({ afterId, limit: PAGE, ...changed });
    yield* page;
    if (page.length < PAGE) return;
    afterId = page.at(-1)!.id;
  }
}
