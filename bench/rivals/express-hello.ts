/** Rival: Express 5 as it comes, answering one constant line. */
import express from 'express';
import { serve } from './serve.js';

const app = express();
app.post('/api/v1/coupons/call/:couponId', (_req, res) => {
  res.send('hello');
});
serve(app);
