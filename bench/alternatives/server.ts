/**
 * The alternatives, each in Express 5 as it comes; the first argument names one. All get the long backlog: their code is
 * compared, not the kernel's default queue.
 */
import express from 'express';
import { Redis } from 'ioredis';
import { connectPrisma, PATIENCE_MS } from './prisma.js';

const STATUS = { 'unknown-coupon': 404, 'already-issued': 409, 'sold-out': 410 } as const;

type Decision = { rank: number; issuedAt: Date } | keyof typeof STATUS;
type Handler = express.RequestHandler<{ couponId: string }>;
type Decide = (couponId: bigint, userId: string) => Promise<Decision>;

/** MySQL alone: the row lock on the coupon makes one user at a time decide. */
function lockRow(): Decide {
  const prisma = connectPrisma();
  return (couponId, userId) =>
    prisma.$transaction(
      async (tx) => {
        const rows = await tx.$queryRaw<{ total: number }[]>`
          SELECT total FROM coupons WHERE id = ${couponId} FOR UPDATE`;
        const coupon = rows[0];
        if (!coupon) return 'unknown-coupon';
        const held = await tx.issuedCoupon.findUnique({ where: { couponId_userId: { couponId, userId } } });
        if (held) return 'already-issued';
        const last = await tx.issuedCoupon.findFirst({ where: { couponId }, orderBy: { rank: 'desc' } });
        const rank = (last?.rank ?? 0) + 1;
        if (rank > Number(coupon.total)) return 'sold-out';
        const issuedAt = new Date();
        await tx.issuedCoupon.create({ data: { couponId, userId, rank, issuedAt, attempt: 'lock' } });
        return { rank, issuedAt };
      },
      { maxWait: PATIENCE_MS, timeout: PATIENCE_MS, isolationLevel: 'ReadCommitted' },
    );
}

/** One user per call, which is what most would write; `queue` 1 adds the winner to a stream in the same call. */
const DECIDE = `
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return -1 end
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[2]) then return 0 end
local rank = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], ARGV[1], rank)
if ARGV[3] == '1' then redis.call('XADD', KEYS[3], '*', 'user', ARGV[1], 'rank', rank) end
return rank`;

/** One EVALSHA per request decides. Then one Prisma insert, or an entry in a stream that a worker would write later. */
async function callScript(then: 'insert' | 'queue'): Promise<Decide> {
  const { REDIS_PORT, REDIS_PASSWORD = '', TOTAL = '' } = process.env;
  const redis = new Redis({ host: '127.0.0.1', port: Number(REDIS_PORT), password: REDIS_PASSWORD });
  const sha = String(await redis.script('LOAD', DECIDE));
  const prisma = then === 'insert' ? connectPrisma() : null;
  return async (couponId, userId) => {
    const tag = `{${then}-${couponId}}`;
    const keys = [`${tag}:counter`, `${tag}:winners`, `${tag}:queue`] as const;
    const queue = then === 'queue' ? '1' : '0';
    const rank = Number(await redis.evalsha(sha, keys.length, ...keys, userId, TOTAL, queue));
    if (rank <= 0) return rank === 0 ? 'sold-out' : 'already-issued';
    const issuedAt = new Date();
    await prisma?.issuedCoupon.create({ data: { couponId, userId, rank, issuedAt, attempt: 'script' } });
    return { rank, issuedAt };
  };
}

const answerWith =
  (decide: Decide): Handler =>
  async (req, res) => {
    const { couponId } = req.params;
    const userId = req.get('x-user-id');
    if (!userId) {
      res.status(400).json({ code: 'invalid-user-id' });
      return;
    }
    const decision = await decide(BigInt(couponId), userId);
    if (typeof decision === 'string') {
      res.status(STATUS[decision]).json({ code: decision });
      return;
    }
    const { rank, issuedAt } = decision;
    res.json({ couponId: Number(couponId), userId, rank, issuedAt: issuedAt.toISOString() });
  };

const HANDLERS: Readonly<Record<string, () => Handler | Promise<Handler>>> = {
  'express-hello': () => (_req, res) => {
    res.send('hello');
  },
  'select-for-update': () => answerWith(lockRow()),
  'evalsha-insert': async () => answerWith(await callScript('insert')),
  'evalsha-queue': async () => answerWith(await callScript('queue')),
};

const app = express();
app.post('/api/v1/coupons/call/:couponId', await HANDLERS[process.argv[2] ?? '']!());
const server = app.listen(Number(process.env['PORT']), '127.0.0.1', 65_535);
server.keepAliveTimeout = 75_000;
process.once('SIGTERM', () => process.exit(0));
