import type {
  CampaignChange,
  CampaignStore,
  CampaignUpdate,
  LockedCampaign,
  NewCampaign,
} from '../coupon/stores.js';
import type { Campaign, CouponId } from '../coupon/types.js';
import type { Coupon, Prisma } from './generated/client.js';
import { pagesByCoupon } from './issued-pages.js';
import type { PrismaClient } from './prisma-client.js';
import { toCampaign } from './rows.js';

/** Opening the gate of a campaign with millions of winners takes a while; the lock goes with its transaction. */
const LOCKED_WORK_TIMEOUT_MS = 10 * 60_000;
const LOCK_MAX_WAIT_MS = 5_000;

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

  listLive(page: { afterId: CouponId; limit: number; endedAfter: Date }): Promise<Campaign[]> {
    const notOverBy = { OR: [{ closesAt: null }, { closesAt: { gt: page.endedAfter } }] };
    const notClosedBy = { OR: [{ closedAt: null }, { closedAt: { gt: page.endedAfter } }] };
    return this.#page({ AND: [notOverBy, notClosedBy] }, page.afterId, page.limit);
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
      await tx.coupon.updateMany({ where: { id: row.id }, data: { name, total, opensAt, closesAt } });
      return { kind: 'updated', campaign: wanted };
    });
    return result ?? { kind: 'unknownCoupon' };
  }

  async close(couponId: CouponId): Promise<Campaign | null> {
    await this.prisma.$executeRaw`
      UPDATE coupons SET closed_at = CURRENT_TIMESTAMP(3) WHERE id = ${couponId} AND closed_at IS NULL`;
    return this.get(couponId);
  }

  async findExisting(couponIds: readonly CouponId[]): Promise<ReadonlySet<CouponId>> {
    if (couponIds.length === 0) return new Set();
    const rows = await this.prisma.coupon.findMany({
      where: { id: { in: couponIds.map(BigInt) } },
      select: { id: true },
    });
    return new Set(rows.map(({ id }) => Number(id)));
  }

  async markGateOpening(couponId: CouponId): Promise<boolean> {
    const changed = await this.prisma.$executeRaw`
      UPDATE coupons SET gate_opened_at = CURRENT_TIMESTAMP(3) WHERE id = ${couponId} AND gate_opened_at IS NULL`;
    return changed === 1;
  }

  withLocked<T>(couponId: CouponId, work: (locked: LockedCampaign) => Promise<T>): Promise<T | null> {
    return this.#withRowLocked(couponId, (row, tx) =>
      work({ campaign: toCampaign(row), winners: () => pagesByCoupon(tx, couponId) }),
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
