import type {
  DeadLetter,
  DeadLetterReason,
  DeadLetterStore,
  DeadRow,
  NewDeadLetter,
} from '../coupon/stores.js';
import type { CouponId } from '../coupon/types.js';
import type { DeadLetter as Row, Prisma } from './generated/client.js';
import type { PrismaClient } from './prisma-client.js';

const PAGE = 100;
const DETAIL_MAX = 1_000;

const toLetter = (row: Row): DeadLetter => ({
  id: Number(row.id),
  partition: row.partitionNumber,
  entryId: row.entryId,
  couponId: row.couponId === null ? null : Number(row.couponId),
  reason: row.reason as DeadLetterReason,
  detail: row.detail,
  rows: JSON.parse(row.deadRows) as DeadRow[],
  fields: JSON.parse(row.fields) as string[],
});

export class PrismaDeadLetterStore implements DeadLetterStore {
  constructor(private readonly prisma: PrismaClient) {}

  async add({ partition, entryId, couponId, reason, detail, rows, fields }: NewDeadLetter): Promise<void> {
    await this.prisma.$executeRaw`
      INSERT INTO dead_letters (partition_number, entry_id, coupon_id, reason, detail, dead_rows, fields)
      VALUES (${partition}, ${entryId}, ${couponId}, ${reason}, ${detail.slice(0, DETAIL_MAX)},
        ${JSON.stringify(rows)}, ${JSON.stringify(fields)})
      ON DUPLICATE KEY UPDATE id = id`;
  }

  async *list(): AsyncGenerator<DeadLetter> {
    for (let afterId = 0n; ;) {
      const rows = await this.prisma.deadLetter.findMany({
        where: { id: { gt: afterId } },
        orderBy: { id: 'asc' },
        take: PAGE,
      });
      yield* rows.map(toLetter);
      if (rows.length < PAGE) return;
      afterId = rows.at(-1)!.id;
    }
  }

  count(partition?: number): Promise<number> {
    return this.prisma.deadLetter.count({
      where: partition === undefined ? {} : { partitionNumber: partition },
    });
  }

  countOfCoupon(couponId: CouponId): Promise<number> {
    return this.prisma.deadLetter.count({ where: { couponId: BigInt(couponId) } });
  }

  async remove(id: number): Promise<void> {
    await this.prisma.deadLetter.deleteMany({ where: { id: BigInt(id) } });
  }
}

/** The rows of all letters of these coupons. */
export async function readDeadRows(
  prisma: Pick<PrismaClient, 'deadLetter'>,
  where: Pick<Prisma.DeadLetterWhereInput, 'couponId'>,
): Promise<DeadRow[]> {
  const letters = await prisma.deadLetter.findMany({
    where,
    select: { deadRows: true },
    orderBy: { id: 'asc' },
  });
  return letters.flatMap(({ deadRows }) => JSON.parse(deadRows) as DeadRow[]);
}
