/**
 * How fast rows get into MySQL without our worker. Arguments: how (`create`, `createMany`, `driver`), coupon id, seconds.
 * Prints `{ rows, seconds, cpuSeconds }`; the CPU is this process's.
 */
import { createConnection } from 'mariadb';
import { parseDatabaseUrl } from '../../api/src/db/prisma-client.js';
import { connectPrisma } from './clients.js';

const CHUNK = 1_000;

interface Row {
  couponId: bigint;
  userId: string;
  rank: number;
  issuedAt: Date;
  attempt: string;
}

let rank = 0;
const nextRow = (couponId: bigint): Row => {
  rank += 1;
  return { couponId, userId: String(10_000_000 + rank), rank, issuedAt: new Date(), attempt: 'abcdefghijk' };
};
const chunkOf = (couponId: bigint): Row[] => Array.from({ length: CHUNK }, () => nextRow(couponId));

/** Writes once and returns how many rows it wrote, one transaction. */
type Write = (couponId: bigint) => Promise<number>;

const ways: Record<string, () => Promise<Write>> = {
  create: async () => {
    const prisma = connectPrisma();
    return async (couponId) => {
      await prisma.issuedCoupon.create({ data: nextRow(couponId) });
      return 1;
    };
  },
  createMany: async () => {
    const prisma = connectPrisma();
    return async (couponId) => {
      await prisma.issuedCoupon.createMany({ data: chunkOf(couponId), skipDuplicates: true });
      return CHUNK;
    };
  },
  driver: async () => {
    const options = { ...parseDatabaseUrl(process.env['DATABASE_URL'] ?? ''), allowPublicKeyRetrieval: true };
    const connection = await createConnection(options);
    const head = 'INSERT INTO issued_coupons (coupon_id, user_id, issue_rank, issued_at, attempt) VALUES ';
    const sql = head + Array.from({ length: CHUNK }, () => '(?, ?, ?, ?, ?)').join();
    return async (couponId) => {
      const rows = chunkOf(couponId);
      await connection.query(
        sql,
        rows.flatMap((row) => [row.couponId, row.userId, row.rank, row.issuedAt, row.attempt]),
      );
      return CHUNK;
    };
  },
};

const [how = '', coupon = '', seconds = ''] = process.argv.slice(2);
const write = await ways[how]!();
await write(BigInt(coupon));
const cpuBefore = process.cpuUsage();
const startMs = performance.now();
let rows = 0;
do rows += await write(BigInt(coupon));
while (performance.now() - startMs < Number(seconds) * 1000);
const cpu = process.cpuUsage(cpuBefore);
console.log(
  JSON.stringify({
    rows,
    seconds: (performance.now() - startMs) / 1000,
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  }),
);
process.exit(0);
