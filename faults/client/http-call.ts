import { request, type Agent } from 'node:http';
import type { Answer } from '../../loadtest/client-log.js';

/** k6's codes for "no answer in time" and "connection refused or broken", which the audit knows. */
const TIMED_OUT = 1050;
const BROKEN = 1220;
const BODY_MOST = 16_384;

export interface Call {
  url: string;
  agent: Agent;
  userId: string;
  key: string;
  timeoutMs: number;
}

function readBody(text: string): Pick<Answer, 'rank' | 'code' | 'issuedAtMs'> {
  try {
    const { rank, code, issuedAt } = JSON.parse(text) as Record<string, unknown>;
    const issuedAtMs = typeof issuedAt === 'string' ? Date.parse(issuedAt) : NaN;
    return {
      rank: typeof rank === 'number' ? rank : null,
      code: typeof code === 'string' ? code : null,
      ...(Number.isFinite(issuedAtMs) && { issuedAtMs }),
    };
  } catch {
    return { rank: null, code: null };
  }
}

/** One try. Resolves always: a connection that breaks at any point is an answer with status 0. */
export function callIssue({
  url,
  agent,
  userId,
  key,
  timeoutMs,
}: Call): Promise<Answer & { retryAfterMs: number }> {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  return new Promise((resolve) => {
    const fail = (errorCode: number) => {
      clearTimeout(timer);
      resolve({
        status: 0,
        rank: null,
        durationMs: durationMs(),
        errorCode,
        replayed: false,
        code: null,
        retryAfterMs: 0,
      });
    };
    const headers = { 'x-user-id': userId, 'idempotency-key': key, 'content-length': '0' };
    const req = request(url, { method: 'POST', agent, headers }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        if (text.length < BODY_MOST) text += chunk;
      });
      res.once('error', () => fail(BROKEN));
      res.once('close', () => {
        if (!res.complete) return fail(BROKEN);
        clearTimeout(timer);
        resolve({
          status: res.statusCode ?? 0,
          ...readBody(text),
          durationMs: durationMs(),
          errorCode: 0,
          replayed: res.headers['idempotency-replayed'] === 'true',
          retryAfterMs: Number(res.headers['retry-after'] ?? 0) * 1_000,
        });
      });
    });
    const timer = setTimeout(() => {
      fail(TIMED_OUT);
      req.destroy();
    }, timeoutMs);
    req.once('error', () => fail(BROKEN));
    req.end();
  });
}
