import { setTimeout as sleep } from 'node:timers/promises';
import type { GateChecker, GateCounter, GateOpener } from '../coupon/ports.js';
import type { Campaign, CouponId, GateCheck, GateCounts, GateFence, Issued } from '../coupon/types.js';
import type { Redis } from './connection.js';
import { allPartitions, metaKey, toPartition, registryKey, streamKey, winnersKey } from './keys.js';
import { toGateArguments } from './redis-gate.js';
import { ServerIdentity } from './server-identity.js';
import { formatRecord, UnexpectedReplyError } from './winner-record.js';

/** Winners in one HSET: near 1 ms of Redis's time. */
const WINNERS_CHUNK = 500;
/** Gates in one inspectGates: near 1 ms of Redis's time. */
const INSPECT_CHUNK = 500;
const POLL_MS = 50;

/** Codes of checkGate-1.lua. */
const CHECK_KINDS = ['shut', 'checked', 'stale'] as const;
/** Code of openGate-3.lua. */
const ALREADY_OPEN = -1;

/** What the gate keeper needs to know of a gate. */
export interface GateView {
  couponId: CouponId;
  /** Highest rank handed out; null: it is shut. */
  issued: number | null;
  /** Of the campaign, as the gate has it; -1: none. */
  revision: number;
  /** Compared with MySQL since this server has its data. */
  checked: boolean;
}

export class RedisGateOpener implements GateOpener, GateChecker, GateCounter {
  readonly #server: ServerIdentity;

  constructor(private readonly redis: Redis) {
    this.#server = ServerIdentity.get(redis);
  }

  async isOpen(couponId: CouponId): Promise<boolean> {
    return (await this.redis.hexists(metaKey(couponId), 'total')) === 1;
  }

  async waitUntilDrained(
    couponIds: readonly CouponId[],
    withinMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    const keys = [...new Set(couponIds.map(toPartition))].map(streamKey);
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

  async clearWinners(couponId: CouponId): Promise<void> {
    await this.redis.unlink(winnersKey(couponId));
  }

  async putWinners(winners: readonly Issued[]): Promise<void> {
    for (let start = 0; start < winners.length; start += WINNERS_CHUNK) {
      const chunk = winners.slice(start, start + WINNERS_CHUNK);
      const pairs = chunk.flatMap((issued) => [issued.userId, formatRecord(issued)]);
      await this.redis.hset(winnersKey(chunk[0]!.couponId), ...pairs);
    }
  }

  async open(campaign: Campaign, highestRank: number, generation: number): Promise<number | null> {
    const { id } = campaign;
    const keys = [metaKey(id), registryKey(toPartition(id)), winnersKey(id)] as const;
    const args = [id, ...toGateArguments(campaign), highestRank, generation, await this.#server.read()];
    const issued = Number(await this.redis.openGate(...keys, ...args));
    return issued === ALREADY_OPEN ? null : issued;
  }

  /** Shuts a gate: nothing is issued until it is opened again, from MySQL and after the highest rank handed out here. */
  async shut(couponId: CouponId): Promise<void> {
    await this.redis.hdel(metaKey(couponId), 'total');
  }

  async count(couponId: CouponId): Promise<GateCounts> {
    const [[total, issued], winners] = await Promise.all([
      this.redis.hmget(metaKey(couponId), 'total', 'issued'),
      this.redis.hlen(winnersKey(couponId)),
    ]);
    return { isOpen: total != null, issued: Number(issued ?? 0), winners };
  }

  /** Coupons whose gate was opened here and has not been removed since. */
  async listRegistered(): Promise<CouponId[]> {
    const sets = await Promise.all(allPartitions().map((one) => this.redis.smembers(registryKey(one))));
    return sets.flat().map(Number);
  }

  /** Everything of the coupon goes: its memory is freed in the background. */
  async remove(couponId: CouponId): Promise<void> {
    await this.redis
      .multi()
      .unlink(metaKey(couponId), winnersKey(couponId))
      .srem(registryKey(toPartition(couponId)), couponId)
      .exec();
  }

  /** Brings an open gate in line with MySQL. */
  async update(campaign: Campaign): Promise<void> {
    await this.redis.updateGate(metaKey(campaign.id), ...toGateArguments(campaign));
  }

  async check(couponId: CouponId, { generation, highestRank }: GateFence): Promise<GateCheck> {
    const server = await this.#server.refresh();
    const reply = await this.redis.checkGate(metaKey(couponId), server, generation, highestRank);
    const [code, has] = reply as number[];
    const kind = CHECK_KINDS[code!];
    if (kind === undefined) throw new UnexpectedReplyError(`unknown code ${String(code)}`);
    return kind === 'checked' ? { kind, generation: has! } : { kind };
  }

  /** One view a coupon, in no particular order. */
  async inspect(couponIds: readonly CouponId[]): Promise<GateView[]> {
    const server = await this.#server.refresh();
    const views: GateView[] = [];
    const byPartition = new Map<number, CouponId[]>();
    for (const couponId of couponIds) {
      const partition = toPartition(couponId);
      const others = byPartition.get(partition);
      if (others) others.push(couponId);
      else byPartition.set(partition, [couponId]);
    }
    for (const ofPartition of byPartition.values()) {
      for (let start = 0; start < ofPartition.length; start += INSPECT_CHUNK) {
        const chunk = ofPartition.slice(start, start + INSPECT_CHUNK);
        const reply = (await this.redis.inspectGates(
          chunk.length,
          ...chunk.map(metaKey),
          server,
        )) as number[];
        for (const [i, couponId] of chunk.entries()) {
          const [issued, revision, checked] = reply.slice(i * 3, i * 3 + 3) as [number, number, number];
          views.push({ couponId, issued: issued < 0 ? null : issued, revision, checked: checked === 1 });
        }
      }
    }
    return views;
  }
}
