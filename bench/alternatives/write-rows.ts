/**
 * How fast rows get into MySQL without our worker. Arguments: how (`create`, `createMany`, `driver`), coupon id, seconds.
 * Prints `{ rows, seconds, cpuSeconds }`; the CPU is this process's.
 */
import { createConnection } from 'mariadb';
import { parseDatabaseUrl } from '../../api/src/db/prisma-client.js';
import { connectPrisma } from './prisma.js';

const CHUNK = 1_000;

const [how = '', coupon = '', seconds = ''] = process.argv.slice(2);
const couponId = BigInt(coupon);
let rank = 0;
const makeRow = () => {
  rank += 1;
  return { couponId, userId: String(10_000_000 + rank), rank, issuedAt: new Date(), attempt: 'abcdefghijk' };
};
const makeChunk = () => Array.from({ length: CHUNK }, makeRow);

/** Writes once, one transaction, and returns how many rows it wrote. */
type Write = () => Promise<number>;

const WAYS: Readonly<Record<string, () => Promise<Write>>> = {
  create: async () => {
    const prisma = connectPrisma();
    return async () => {
      await prisma.issuedCoupon.create({ data: makeRow() });
      return 1;
    };
  },
  createMany: async () => {
    const prisma = connectPrisma();
    return async () =>
      (await prisma.issuedCoupon.createMany({ data: makeChunk(), skipDuplicates: true })).count;
  },
  driver: async () => {
    const options = { ...parseDatabaseUrl(process.env['DATABASE_URL'] ?? ''), allowPublicKeyRetrieval: true };
    const connection = await createConnection(options);
    const head = 'INSERT INTO issued_coupons (coupon_id, user_id, issue_rank, issued_at, attempt) VALUES ';
    const sql = head + Array.from({ length: CHUNK }, () => '(?, ?, ?, ?, ?)').join();
    return async () => {
      const rows = makeChunk();
      const values = rows.flatMap((row) => [row.couponId, row.userId, row.rank, row.issuedAt, row.attempt]);
      await connection.query(sql, values);
      return CHUNK;
    };
  },
};

const write = await WAYS[how]!();
await write();
const cpuBefore = process.cpuUsage();
const startMs = performance.now();
const readSeconds = () => (performance.now() - startMs) / 1000;
let rows = 0;
do rows += await write();
while (readSeconds() < Number(seconds));
const { user, system } = process.cpuUsage(cpuBefore);
console.log(JSON.stringify({ rows, seconds: readSeconds(), cpuSeconds: (user + system) / 1e6 }));
process.exit(0);
