import type { DeadLetterStore } from '../coupon/ports.js';
import type {
  ContradictionReason,
  CouponId,
  DeadLetter,
  DeadLetterReason,
  DeadRow,
  NewDeadLetter,
} from '../coupon/types.js';
import type { DeadLetter as Row } from './generated/client.js';
import type { PrismaClient } from './prisma-client.js';

const PAGE = 100;
const DETAIL_MAX = 1_000;

/** As the column has it: a row's fingerprint is its `attempt` there. */
const parseDeadRows = (text: string): DeadRow[] =>
  (JSON.parse(text) as (Omit<DeadRow, 'fingerprint'> & { attempt: string })[]).map(({ attempt, ...row }) => ({
    ...row,
    fingerprint: attempt,
  }));

const formatDeadRows = (rows: readonly DeadRow[]): string =>
  JSON.stringify(rows.map(({ fingerprint, ...row }) => ({ ...row, attempt: fingerprint })));

const toLetter = (row: Row): DeadLetter => ({
  id: Number(row.id),
  partition: row.partitionNumber,
  entryId: row.entryId,
  couponId: row.couponId === null ? null : Number(row.couponId),
  reason: row.reason as DeadLetterReason,
  detail: row.detail,
  rows: parseDeadRows(row.deadRows),
  fields: JSON.parse(row.fields) as string[],
});

export class PrismaDeadLetterStore implements DeadLetterStore {
  constructor(private readonly prisma: PrismaClient) {}

  async add({ partition, entryId, couponId, reason, detail, rows, fields }: NewDeadLetter): Promise<void> {
    await this.prisma.$executeRaw`
      INSERT INTO dead_letters (partition_number, entry_id, coupon_id, reason, detail, dead_rows, fields)
      VALUES (${partition}, ${entryId}, ${couponId}, ${reason}, ${detail.slice(0, DETAIL_MAX)},
        ${formatDeadRows(rows)}, ${JSON.stringify(fields)})
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

  countByCoupon(couponId: CouponId): Promise<number> {
    return this.prisma.deadLetter.count({ where: { couponId: BigInt(couponId) } });
  }

  async remove(id: number): Promise<void> {
    await this.prisma.deadLetter.deleteMany({ where: { id: BigInt(id) } });
  }
}

/** The rows of all letters of these coupons, by coupon. */
export async function readDeadRows(
  prisma: Pick<PrismaClient, 'deadLetter'>,
  couponIds: readonly bigint[],
): Promise<Map<CouponId, DeadRow[]>> {
  const letters = await prisma.deadLetter.findMany({
    where: { couponId: { in: [...couponIds] } },
    select: { couponId: true, deadRows: true },
    orderBy: { id: 'asc' },
  });
  const byCoupon = new Map<CouponId, DeadRow[]>();
  for (const { couponId, deadRows } of letters) {
    const rows = parseDeadRows(deadRows);
    const others = byCoupon.get(Number(couponId));
    if (others) others.push(...rows);
    else byCoupon.set(Number(couponId), rows);
  }
  return byCoupon;
}

/** With these MySQL has something else in the row's place: the promise cannot be kept as it was made. */
const SUPERSEDED: ReadonlySet<string> = new Set<ContradictionReason>([
  'rankTaken',
  'userHasAnotherRank',
  'unknownCoupon',
]);

/** A rank beyond the stock was never handed out: somebody else writes to the stream. */
export const selectPromised = (rows: readonly DeadRow[] = [], total: number): DeadRow[] =>
  rows.filter(({ reason, rank }) => !SUPERSEDED.has(reason) && rank <= total);

/**
 * The highest rank that somebody was told of, also where MySQL has something else by now; 0: none. Of a coupon that MySQL did
 * not know nobody was told anything.
 */
export const findHighestTold = (rows: readonly DeadRow[] = [], total: number): number =>
  rows
    .filter(({ reason, rank }) => reason !== ('unknownCoupon' satisfies ContradictionReason) && rank <= total)
    .reduce((highest, { rank }) => Math.max(highest, rank), 0);
