/** Rival: Express, one EVALSHA per request that decides and puts the winner into a stream; a worker would write later. */
import express from 'express';
import { connectRedis } from './clients.js';
import { serve } from './serve.js';

const redis = connectRedis();
const total = process.env['TOTAL'] ?? '';
const app = express();
app.post('/api/v1/coupons/call/:couponId', async (req, res) => {
  const { couponId } = req.params;
  const userId = req.get('x-user-id');
  if (!userId) {
    res.status(400).json({ code: 'invalid-user-id' });
    return;
  }
  const tag = `{rival-queue-${couponId}}`;
  const rank = await redis.decide(`${tag}:counter`, `${tag}:winners`, `${tag}:queue`, userId, total, '1');
  if (rank > 0) res.json({ couponId: Number(couponId), userId, rank, issuedAt: new Date().toISOString() });
  else res.status(rank === 0 ? 410 : 409).json({ code: rank === 0 ? 'sold-out' : 'already-issued' });
});
serve(app);
