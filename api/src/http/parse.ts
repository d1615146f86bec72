import type { IncomingMessage } from 'node:http';
import type { CouponId, UserId } from '../coupon/types.js';
import { USER_ID } from './user-id.js';

const COUPON_ID = /^[1-9][0-9]{0,15}$/;

/** A positive integer without sign or leading zero, at most `Number.MAX_SAFE_INTEGER`; null when it is anything else. */
export function parseCouponId(text: unknown): CouponId | null {
  if (typeof text !== 'string' || !COUPON_ID.test(text)) return null;
  const couponId = Number(text);
  return Number.isSafeInteger(couponId) ? couponId : null;
}

/**
 * Undefined: not sent. Null: sent more than once. Node joins repeated headers with a comma, which would make a new user
 * out of two; only then are the raw headers looked at.
 */
export function singleHeader(req: IncomingMessage, name: string): string | undefined | null {
  const value = req.headers[name];
  if (typeof value !== 'string') return undefined;
  if (!value.includes(', ')) return value;
  const times = req.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === name).length;
  return times === 1 ? value : null;
}

/** The user id of `X-USER-ID`; null when it is missing, repeated or none (user-id.ts). */
export function parseUserId(req: IncomingMessage): UserId | null {
  const value = singleHeader(req, 'x-user-id');
  return typeof value === 'string' && USER_ID.test(value) ? value : null;
}
