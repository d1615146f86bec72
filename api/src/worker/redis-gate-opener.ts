import { setTimeout as sleep } from 'node:timers/promises';
import type { GateOpener } from '../coupon/open-gate.js';
import type { Campaign, CouponId, Issued } from '../coupon/types.js';
import type { Redis } from '../redis/connection.js';
import { metaKey, partitionOf, registryKey, streamKey, winnersKey } from '../redis/keys.js';
import { formatRecord, gateArguments } from '../redis/redis-gate.js';

/** Winners in one HSET: near 1 ms of Redis's time. */
const WINNERS_CHUNK = 500;
const POLL_MS = 50;

export class RedisGateOpener implements GateOpener {
  constructor(private readonly redis: Redis) {}

  async isOpen(couponId: CouponId): Promise<boolean> {
    return (await this.redis.exists(metaKey(couponId))) === 1;
  }

  async untilDrained(
    couponIds: readonly CouponId[],
    withinMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    const keys = [...new Set(couponIds.map(partitionOf))].map(streamKey);
    const newest = new Map<string, string>();
    for (const key of keys) {
      const [last] = await this.redis.xrevrange(key, '+', '-', 'COUNT', 1);
      if (last) newest.set(key, last[0]);
    }
    while (newest.size > 0) {
      for (const [key, id] of newest) {
        const left = await this.redis.xrange(key, '-', id, 'COUNT', 1);
        if (left.length === 0) newest.delete(key);
      }
      if (newest.size === 0) break;
      if (performance.now() > deadline || signal?.aborted) return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  async putWinners(winners: readonly Issued[]): Promise<void> {
    for (let start = 0; start < winners.length; start += WINNERS_CHUNK) {
      const chunk = winners.slice(start, start + WINNERS_CHUNK);
      const pairs = chunk.flatMap((issued) => [issued.userId, formatRecord(issued)]);
      await this.redis.hset(winnersKey(chunk[0]!.couponId), ...pairs);
    }
  }

  async open(campaign: Campaign, issued: number): Promise<boolean> {
    const keys = [
      metaKey(campaign.id),
      registryKey(partitionOf(campaign.id)),
      winnersKey(campaign.id),
    ] as const;
    return (await this.redis.openGate(...keys, campaign.id, ...gateArguments(campaign), issued)) === 1;
  }

  /** Shuts a gate: nothing is issued until it is opened again, from MySQL. */
  async shut(couponId: CouponId): Promise<void> {
    await this.redis.del(metaKey(couponId));
  }

  /** Brings an open gate in line with MySQL. */
  async update(campaign: Campaign): Promise<void> {
    await this.redis.updateGate(metaKey(campaign.id), ...gateArguments(campaign));
  }

  /** The gates that are shut, and those that are behind what MySQL says (an update that never reached Redis). */
  async inspect(campaigns: readonly Campaign[]): Promise<{ shut: CouponId[]; behind: CouponId[] }> {
    const shut: CouponId[] = [];
    const behind: CouponId[] = [];
    const metas = await Promise.all(
      campaigns.map(({ id }) => this.redis.hmget(metaKey(id), 'total', 'opensAtMs', 'closesAtMs', 'closed')),
    );
    for (const [i, campaign] of campaigns.entries()) {
      const [total, ...rest] = metas[i]!.map((value) => (value === null ? NaN : Number(value)));
      const [wantedTotal, ...wanted] = gateArguments(campaign);
      if (Number.isNaN(total)) shut.push(campaign.id);
      // The stock only rises and a closed one stays closed: such a difference the other way is not to be mended here.
      else if (
        total! < wantedTotal ||
        rest[0] !== wanted[0] ||
        rest[1] !== wanted[1] ||
        rest[2]! < wanted[2]!
      )
        behind.push(campaign.id);
    }
    return { shut, behind };
  }
}
