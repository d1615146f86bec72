import express, { type RequestHandler } from 'express';
import type { z } from 'zod';
import type { CouponId } from '../coupon/types.js';
import { parseCouponId } from './parse.js';
import { ProblemError } from './problem.js';

const BODY_MAX = '16kb';

/** Throws a problem that lists every fault. `part` names where it was found. */
export function validate<T extends z.ZodType>(schema: T, value: unknown, part: 'body' | 'query'): z.infer<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  throw new ProblemError('invalid-request', {
    detail: `The ${part} is not acceptable: see errors.`,
    extension: { errors },
  });
}

export function requireCouponId(text: unknown): CouponId {
  const couponId = parseCouponId(text);
  if (couponId === null) throw new ProblemError('invalid-coupon-id');
  return couponId;
}

const requireJson: RequestHandler = (req, _res, next) => {
  const type = req.is('application/json');
  if (type === null) throw new ProblemError('invalid-request', { detail: 'Send a JSON body.' });
  if (!type) throw new ProblemError('unsupported-media-type');
  next();
};

/** Only for the routes that take a body: nothing parses bodies in front of the issue route. */
export const jsonBody: RequestHandler[] = [requireJson, express.json({ limit: BODY_MAX, type: () => true })];
