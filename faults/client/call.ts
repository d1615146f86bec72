import { request, type Agent } from 'node:http';
import type { Answer } from '../../loadtest/client-log.js';

/** k6's codes for "no answer in time" and "connection refused or broken", which the audit knows. */
const TIMED_OUT = 1050;
const BROKEN = 1220;
const BODY_MOST = 16_384;

export interface Call {
  url: string;
  method: 'GET' | 'POST';
  headers: Readonly<Record<string, string>>;
  agent: Agent;
  timeoutMs: number;
}

export type IssueCall = Pick<Call, 'agent' | 'timeoutMs'> & {
  frontUrl: string;
  couponId: number;
  userId: string;
  key: string;
};

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
export function call({ url, method, headers, agent, timeoutMs }: Call): Promise<Answer> {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  return new Promise((resolve) => {
    const fail = (errorCode: number) => {
      clearTimeout(timer);
      resolve({ status: 0, rank: null, durationMs: durationMs(), errorCode, replayed: false, code: null });
    };
    const req = request(url, { method, agent, headers: { ...headers, 'content-length': '0' } }, (res) => {
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

/** One try of one user. */
export const callIssue = ({ frontUrl, couponId, userId, key, ...how }: IssueCall): Promise<Answer> =>
  call({
    url: `${frontUrl}/api/v1/coupons/call/${couponId}`,
    method: 'POST',
    headers: { 'x-user-id': userId, 'idempotency-key': key },
    ...how,
  });
