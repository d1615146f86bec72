import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { ProblemError } from './problem.js';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;
const CHALLENGE = 'Bearer realm="admin"';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Digests have one length, so the comparison takes the same time whatever was sent. */
export function bearerAuth(token: string): RequestHandler {
  const wanted = digest(token);
  return (req, _res, next) => {
    const { authorization } = req.headers;
    const given = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) {
      next();
      return;
    }
    const challenge = authorization === undefined ? CHALLENGE : `${CHALLENGE}, error="invalid_token"`;
    throw new ProblemError('unauthorized', { headers: { 'www-authenticate': challenge } });
  };
}
