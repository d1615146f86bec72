/** Rival: Express, one EVALSHA per request that decides, then one Prisma insert before the answer. */
import express from 'express';
import { connectPrisma, connectRedis } from './clients.js';
import { serve } from './serve.js';

const redis = connectRedis();
const prisma = connectPrisma();
const total = process.env['TOTAL'] ?? '';
const app = express();
app.post('/api/v1/coupons/call/:couponId', async (req, res) => {
  const { couponId } = req.params;
  const userId = req.get('x-user-id');
  if (!userId) {
    res.status(400).json({ code: 'invalid-user-id' });
    return;
  }
  const tag = `{rival-insert-${couponId}}`;
  const rank = await redis.decide(`${tag}:counter`, `${tag}:winners`, `${tag}:queue`, userId, total, '0');
  if (rank <= 0) {
    res.status(rank === 0 ? 410 : 409).json({ code: rank === 0 ? 'sold-out' : 'already-issued' });
    return;
  }
  const issuedAt = new Date();
  await prisma.issuedCoupon.create({
    data: { couponId: BigInt(couponId), userId, rank, issuedAt, attempt: 'rival' },
  });
  res.json({ couponId: Number(couponId), userId, rank, issuedAt: issuedAt.toISOString() });
});
serve(app);
