import type { CampaignStore, GateChecker } from './ports.js';
import type { CouponId, GateCheck, GateFence } from './types.js';

interface CheckGateDeps {
  campaigns: Pick<CampaignStore, 'readFences' | 'raiseGeneration'>;
  gates: GateChecker;
  /** Told of each gate that was shut because it was behind MySQL. */
  onStale: (couponId: CouponId, fence: GateFence) => void;
}

/**
 * Compares gates with MySQL before they may issue on a server that has just got its data: a restored volume, a snapshot or a
 * failover to a replica that was behind brings an old copy, which would give ranks away twice. `seen`: highest ranks that
 * the caller knows of. Coupons that MySQL does not know are left out. Throws when MySQL or Redis cannot be asked.
 */
export async function checkGates(
  { campaigns, gates, onStale }: CheckGateDeps,
  couponIds: readonly CouponId[],
  seen: (couponId: CouponId) => number,
): Promise<Map<CouponId, GateCheck>> {
  const checks = new Map<CouponId, GateCheck>();
  for (const [couponId, { generation, highestRank }] of await campaigns.readFences(couponIds)) {
    const fence = { generation, highestRank: Math.max(highestRank, seen(couponId)) };
    const check = await gates.check(couponId, fence);
    if (check.kind === 'stale') onStale(couponId, fence);
    if (check.kind === 'checked' && check.generation > generation)
      await campaigns.raiseGeneration(couponId, check.generation);
    checks.set(couponId, check);
  }
  return checks;
}
