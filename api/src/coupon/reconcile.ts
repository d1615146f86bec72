import { walkLive } from './walk-live.js';
import type { CampaignStore, GateCounter, IssuedStore } from './ports.js';
import type { CouponId } from './types.js';

/** One campaign in Redis and in MySQL. Not a snapshot: while coupons are issued the gap is what is under way. */
export interface Reconciliation {
  couponId: CouponId;
  gate: 'open' | 'shut';
  /** Highest rank handed out, by Redis. */
  issued: number;
  /** Users that Redis knows as winners. */
  winners: number;
  /** Rows in MySQL. */
  persisted: number;
  /** Winners that are not in MySQL: what is under way, and 0 when everything is drained. */
  missingInMysql: number;
  /** Rows whose user Redis does not know, while the gate is open: those could win again. Always 0. */
  missingInRedis: number;
  /** Ranks handed out that nobody holds: entries that are under way, in the dead letters, or lost. 0 when drained. */
  vacantRanks: number;
}

/** The gaps of several campaigns. */
export interface GapSum extends Pick<Reconciliation, 'missingInMysql' | 'missingInRedis' | 'vacantRanks'> {
  shutGates: number;
}

export const NO_GAPS: GapSum = { missingInMysql: 0, missingInRedis: 0, vacantRanks: 0, shutGates: 0 };

export const addGaps = (sum: GapSum, one: Reconciliation): GapSum => ({
  missingInMysql: sum.missingInMysql + one.missingInMysql,
  missingInRedis: sum.missingInRedis + one.missingInRedis,
  vacantRanks: sum.vacantRanks + one.vacantRanks,
  shutGates: sum.shutGates + (one.gate === 'shut' ? 1 : 0),
});

export interface ReconcileDeps {
  gates: GateCounter;
  issued: Pick<IssuedStore, 'countByCoupon'>;
}

/**
 * By numbers, which costs one count of MySQL and no more than O(1) of Redis. MySQL is asked between two counts of Redis:
 * what Redis had before must be in MySQL or under way, and what MySQL has must be in Redis after. Throws when one of them
 * cannot be asked.
 */
export async function reconcile(
  { gates, issued }: ReconcileDeps,
  couponId: CouponId,
): Promise<Reconciliation> {
  const before = await gates.count(couponId);
  const persisted = await issued.countByCoupon(couponId);
  const after = await gates.count(couponId);
  const isOpen = before.isOpen && after.isOpen;
  return {
    couponId,
    gate: after.isOpen ? 'open' : 'shut',
    issued: after.issued,
    winners: after.winners,
    persisted,
    missingInMysql: isOpen ? Math.max(0, before.winners - persisted) : 0,
    missingInRedis: isOpen ? Math.max(0, persisted - after.winners) : 0,
    vacantRanks: isOpen ? Math.max(0, before.issued - persisted) : 0,
  };
}

/** Every campaign that is not archived, one after the other. */
export async function* reconcileLive(
  deps: ReconcileDeps & { campaigns: Pick<CampaignStore, 'listLive'> },
): AsyncGenerator<Reconciliation> {
  for await (const { id } of walkLive(deps.campaigns)) yield await reconcile(deps, id);
}
