import type { CampaignStore, IssuedStore } from '../coupon/stores.js';
import type { CouponId } from '../coupon/types.js';
import type { Redis } from '../redis/connection.js';
import { metaKey, winnersKey } from '../redis/keys.js';

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

export interface ReconcileDeps {
  redis: Redis;
  issued: Pick<IssuedStore, 'countByCoupon'>;
}

/**
 * By numbers, which costs one count of MySQL and no more than O(1) of Redis. MySQL is asked between two looks at Redis:
 * what Redis had before must be in MySQL or under way, and what MySQL has must be in Redis after. Throws when one of them
 * cannot be asked.
 */
export async function reconcile(
  { redis, issued }: ReconcileDeps,
  couponId: CouponId,
): Promise<Reconciliation> {
  const before = await look(redis, couponId);
  const persisted = await issued.countByCoupon(couponId);
  const after = await look(redis, couponId);
  const open = before.open && after.open;
  return {
    couponId,
    gate: after.open ? 'open' : 'shut',
    issued: after.issued,
    winners: after.winners,
    persisted,
    missingInMysql: open ? Math.max(0, before.winners - persisted) : 0,
    missingInRedis: open ? Math.max(0, persisted - after.winners) : 0,
    vacantRanks: open ? Math.max(0, before.issued - persisted) : 0,
  };
}

async function look(
  redis: Redis,
  couponId: CouponId,
): Promise<{ open: boolean; issued: number; winners: number }> {
  const [[total, issued], winners] = await Promise.all([
    redis.hmget(metaKey(couponId), 'total', 'issued'),
    redis.hlen(winnersKey(couponId)),
  ]);
  return { open: total != null, issued: Number(issued ?? 0), winners };
}

const PAGE = 200;

/** Every campaign that is not archived, one after the other. */
export async function* reconcileLive(
  deps: ReconcileDeps & { campaigns: Pick<CampaignStore, 'listLive'> },
): AsyncGenerator<Reconciliation> {
  for (let afterId = 0; ;) {
    const page = await deps.campaigns.listLive({ afterId, limit: PAGE });
    for (const { id } of page) yield await reconcile(deps, id);
    if (page.length < PAGE) return;
    afterId = page.at(-1)!.id;
  }
}
