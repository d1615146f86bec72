/** Rival: Express and MySQL alone. The row lock on the coupon makes one user at a time decide (Prisma transaction). */
import express from 'express';
import { connectPrisma, PATIENCE_MS } from './clients.js';
import { serve } from './serve.js';

const prisma = connectPrisma();

type Decision = { rank: number; issuedAt: Date } | 'unknown-coupon' | 'already-issued' | 'sold-out';

const decide = (couponId: bigint, userId: string): Promise<Decision> =>
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
      await tx.issuedCoupon.create({ data: { couponId, userId, rank, issuedAt, attempt: 'rival' } });
      return { rank, issuedAt };
    },
    { maxWait: PATIENCE_MS, timeout: PATIENCE_MS, isolationLevel: 'ReadCommitted' },
  );

const STATUS = { 'unknown-coupon': 404, 'already-issued': 409, 'sold-out': 410 } as const;

const app = express();
app.post('/api/v1/coupons/call/:couponId', async (req, res) => {
  const userId = req.get('x-user-id');
  if (!userId) {
    res.status(400).json({ code: 'invalid-user-id' });
    return;
  }
  const decision = await decide(BigInt(req.params.couponId), userId);
  if (typeof decision === 'string') res.status(STATUS[decision]).json({ code: decision });
  else
    res.json({
      couponId: Number(req.params.couponId),
      userId,
      rank: decision.rank,
      issuedAt: decision.issuedAt.toISOString(),
    });
});
serve(app);
