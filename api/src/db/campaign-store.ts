import type { CampaignStore, CampaignUpdate, LockedCampaign } from '../coupon/ports.js';
import type {
  Campaign,
  CampaignChange,
  CouponId,
  Existing,
  GateFence,
  NewCampaign,
} from '../coupon/types.js';
import type { Coupon, Prisma } from './generated/client.js';
import { findHighestTold, readDeadRows, selectPromised } from './dead-letter-store.js';
import { readPages } from './issued-pages.js';
import type { PrismaClient } from './prisma-client.js';
import { toCampaign } from './rows.js';

/** Opening the gate of a campaign with millions of winners takes a while; the lock goes with its transaction. */
const LOCKED_WORK_TIMEOUT_MS = 10 * 60_000;
const LOCK_MAX_WAIT_MS = 5_000;
/** Coupons in one query. */
const FENCES_PAGE = 1_000;

export class PrismaCampaignStore implements CampaignStore {
  constructor(private readonly prisma: PrismaClient) {}

  async create({ name, total, opensAt, closesAt }: NewCampaign): Promise<Campaign> {
    return toCampaign(await this.prisma.coupon.create({ data: { name, total, opensAt, closesAt } }));
  }

  async get(couponId: CouponId): Promise<Campaign | null> {
    const row = await this.prisma.coupon.findUnique({ where: { id: BigInt(couponId) } });
    return row && toCampaign(row);
  }

  async list({ afterId, limit }: { afterId: CouponId; limit: number }): Promise<Campaign[]> {
    return this.#page({}, afterId, limit);
  }

  async listLive(page: { afterId: CouponId; limit: number; changedWithinMs?: number }): Promise<Campaign[]> {
    const { afterId, limit, changedWithinMs } = page;
    if (changedWithinMs === undefined) return this.#page({ archivedAt: null }, afterId, limit);
    const rows = await this.prisma.$queryRaw<{ now: Date }[]>`SELECT CURRENT_TIMESTAMP(3) AS now`;
    const since = new Date(rows[0]!.now.getTime() - changedWithinMs);
    return this.#page({ updatedAt: { gte: since } }, afterId, limit);
  }

  async readFences(couponIds: readonly CouponId[]): Promise<Map<CouponId, GateFence>> {
    const fences = new Map<CouponId, GateFence>();
    for (let start = 0; start < couponIds.length; start += FENCES_PAGE) {
      const ids = couponIds.slice(start, start + FENCES_PAGE).map(BigInt);
      const [coupons, unwritten, highest] = await Promise.all([
        this.prisma.coupon.findMany({
          where: { id: { in: ids } },
          select: { id: true, gateGeneration: true, total: true },
        }),
        readDeadRows(this.prisma, ids),
        this.prisma.issuedCoupon.groupBy({
          by: ['couponId'],
          where: { couponId: { in: ids } },
          _max: { rank: true },
        }),
      ]);
      const rankOf = new Map(highest.map((row) => [row.couponId, row._max.rank ?? 0]));
      for (const { id, gateGeneration, total } of coupons) {
        const highestRank = Math.max(rankOf.get(id) ?? 0, findHighestTold(unwritten.get(Number(id)), total));
        fences.set(Number(id), { generation: gateGeneration, highestRank });
      }
    }
    return fences;
  }

  async raiseGeneration(couponId: CouponId, generation: number): Promise<void> {
    await this.prisma.$executeRaw`
      UPDATE coupons SET gate_generation = GREATEST(gate_generation, ${generation}) WHERE id = ${couponId}`;
  }

  async update(couponId: CouponId, change: CampaignChange): Promise<CampaignUpdate> {
    const result = await this.#withRowLocked(couponId, async (row, tx): Promise<CampaignUpdate> => {
      const current = toCampaign(row);
      const wanted = { ...current, ...change };
      if (wanted.total < current.total) return { kind: 'totalMayOnlyRise', campaign: current };
      if (wanted.closesAt && wanted.closesAt <= wanted.opensAt) {
        return { kind: 'windowInvalid', campaign: current };
      }
      const { name, total, opensAt, closesAt } = wanted;
      const revision = current.revision + 1;
      const archivedAt = goesOn(current, wanted) ? null : current.archivedAt;
      const data = { name, total, opensAt, closesAt, revision, archivedAt };
      await tx.coupon.updateMany({ where: { id: row.id }, data });
      return { kind: 'updated', campaign: { ...wanted, revision, archivedAt } };
    });
    return result ?? { kind: 'unknownCoupon' };
  }

  async close(couponId: CouponId): Promise<Campaign | null> {
    await this.prisma.$executeRaw`
      UPDATE coupons SET closed_at = CURRENT_TIMESTAMP(3), revision = revision + 1
      WHERE id = ${couponId} AND closed_at IS NULL`;
    return this.get(couponId);
  }

  async findExisting(couponIds: readonly CouponId[]): Promise<ReadonlyMap<CouponId, Existing>> {
    if (couponIds.length === 0) return new Map();
    const rows = await this.prisma.coupon.findMany({ where: { id: { in: couponIds.map(BigInt) } } });
    const now = new Date();
    return new Map(rows.map((row) => [Number(row.id), toExisting(toCampaign(row), now)]));
  }

  async listArchivable(overBefore: Date, limit: number): Promise<CouponId[]> {
    const rows = await this.prisma.$queryRaw<{ id: bigint | number }[]>`
      SELECT id FROM coupons WHERE archived_at IS NULL AND (
        closed_at < ${overBefore} OR closes_at < ${overBefore} OR EXISTS (
          SELECT 1 FROM issued_coupons
          WHERE coupon_id = coupons.id AND issue_rank = coupons.total AND issued_at < ${overBefore}))
      ORDER BY id LIMIT ${limit}`;
    return rows.map(({ id }) => Number(id));
  }

  async countRemaining(): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ remaining: bigint | number | string | null }[]>`
      SELECT CAST(COALESCE(SUM(total - COALESCE(
        (SELECT MAX(issue_rank) FROM issued_coupons WHERE coupon_id = coupons.id), 0)), 0) AS SIGNED) AS remaining
      FROM coupons WHERE closed_at IS NULL AND archived_at IS NULL
        AND (closes_at IS NULL OR closes_at > CURRENT_TIMESTAMP(3))`;
    return Number(row!.remaining);
  }

  async markGateOpening(couponId: CouponId): Promise<boolean> {
    const changed = await this.prisma.$executeRaw`
      UPDATE coupons SET gate_opened_at = CURRENT_TIMESTAMP(3) WHERE id = ${couponId} AND gate_opened_at IS NULL`;
    return changed === 1;
  }

  withLocked<T>(couponId: CouponId, work: (locked: LockedCampaign) => Promise<T>): Promise<T | null> {
    return this.#withRowLocked(couponId, (row, tx) =>
      work({
        campaign: toCampaign(row),
        readWinners: () => readPages(tx, couponId),
        readUnwritten: async () => {
          const rows = (await readDeadRows(tx, [row.id])).get(couponId);
          return { issued: selectPromised(rows, row.total), highestRank: findHighestTold(rows, row.total) };
        },
        archive: async () => {
          await tx.$executeRaw`UPDATE coupons SET archived_at = CURRENT_TIMESTAMP(3) WHERE id = ${couponId}`;
        },
        beginGeneration: async () => {
          const gateGeneration = row.gateGeneration + 1;
          await tx.coupon.updateMany({ where: { id: row.id }, data: { gateGeneration } });
          return gateGeneration;
        },
      }),
    );
  }

  async #page(where: Prisma.CouponWhereInput, afterId: CouponId, limit: number): Promise<Campaign[]> {
    const rows = await this.prisma.coupon.findMany({
      where: { ...where, id: { gt: BigInt(afterId) } },
      orderBy: { id: 'asc' },
      take: limit,
    });
    return rows.map(toCampaign);
  }

  /**
   * The foreign key makes every drain statement lock the rows of its coupons for reading, so the lock for writing is
   * granted when none is in flight.
   */
  #withRowLocked<T>(
    couponId: CouponId,
    work: (row: Coupon, tx: Prisma.TransactionClient) => Promise<T>,
  ): Promise<T | null> {
    return this.prisma.$transaction(
      async (tx) => {
        await tx.$queryRaw`SELECT id FROM coupons WHERE id = ${couponId} FOR UPDATE`;
        const row = await tx.coupon.findUnique({ where: { id: BigInt(couponId) } });
        return row && (await work(row, tx));
      },
      { timeout: LOCKED_WORK_TIMEOUT_MS, maxWait: LOCK_MAX_WAIT_MS },
    );
  }
}

const isOver = ({ closedAt, closesAt }: Campaign, now: Date): boolean =>
  closedAt !== null || (closesAt !== null && closesAt <= now);

const toExisting = (campaign: Campaign, now: Date): Existing => {
  if (!campaign.archivedAt) return 'live';
  return isOver(campaign, now) ? 'archivedEnded' : 'archivedSoldOut';
};

/** An archived campaign that has something to give again needs its gate back. */
function goesOn(before: Campaign, after: Campaign): boolean {
  const now = new Date();
  return !isOver(after, now) && (after.total > before.total || isOver(before, now));
}
