import type { CouponId, Issued } from '../coupon/types.js';
import type { PrismaClient } from './prisma-client.js';
import { toIssued } from './rows.js';

const PAGE_ROWS = 5_000;

/** By rank, in pages, each a query of its own: memory and the time of one query stay bounded. */
export async function* readPages(
  prisma: Pick<PrismaClient, 'issuedCoupon'>,
  couponId: CouponId,
): AsyncGenerator<Issued[]> {
  for (let afterRank = 0; ;) {
    const rows = await prisma.issuedCoupon.findMany({
      where: { couponId: BigInt(couponId), rank: { gt: afterRank } },
      orderBy: { rank: 'asc' },
      take: PAGE_ROWS,
    });
    if (rows.length > 0) yield rows.map(toIssued);
    if (rows.length < PAGE_ROWS) return;
    afterRank = rows.at(-1)!.rank;
  }
}
