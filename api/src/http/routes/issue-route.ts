import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IRouter } from 'express';
import { computeFingerprint } from '../../coupon/attempt-key.js';
import type { IssueCoupon } from '../../coupon/issue-coupon.js';
import { REHEARSED_COUPON } from '../../coupon/rehearsal-gate.js';
import type { CouponId, IssueOutcome, UserId } from '../../coupon/types.js';
import { parseCouponId, parseUserId, singleHeader } from '../parse.js';
import { methodNotAllowed } from '../error-handler.js';
import { sendProblem } from '../problem.js';
import type { AdmitCall } from '../admit-call.js';
import { LogThrottle } from '../../log-throttle.js';
import { formatTime } from '../iso-time.js';
import type { AnswerKind } from '../metrics.js';
import type { Logger } from '../../logger.js';

const JSON_TYPE = 'application/json';
const PRINTABLE_KEY = /^[\x20-\x7e]{1,255}$/;
/** Seconds. Redis comes back or a gate opens within about this time. */
const RETRY_AFTER = { 'retry-after': '1' };

interface IssueRouteDeps {
  issueCoupon: IssueCoupon;
  /** Refuses calls when too many ask. */
  admitCall: AdmitCall;
  /** Told of every answer of this route, for the metrics. */
  onAnswer: (kind: AnswerKind, durationMs: number) => void;
  /** Told of every call that is well-formed, before it is decided. */
  onCall?: (req: IncomingMessage, res: ServerResponse, couponId: CouponId, fingerprint: string) => void;
  logger: Logger;
}

/** An answer that took longer gets a log line. */
const SLOW_MS = 1_000;
/** At most one such line in this time: in an outage each call is slow, and lines would take the rest of the CPU. */
const LOG_INTERVAL_MS = 1_000;

/** Null: there is a key and it is malformed. */
function readFingerprint(req: IncomingMessage): string | null {
  const given = singleHeader(req, 'idempotency-key');
  if (given === undefined) {
    const requestId = req.headers['x-request-id'];
    // Without any key every try is an attempt of its own.
    return computeFingerprint(typeof requestId === 'string' && requestId !== '' ? requestId : randomUUID());
  }
  return given !== null && PRINTABLE_KEY.test(given) ? computeFingerprint(given) : null;
}

const toIssuedBody = (couponId: CouponId, userId: UserId, rank: number, issuedAtMs: number) => ({
  couponId,
  userId,
  rank,
  issuedAt: formatTime(issuedAtMs),
});

function sendIssued(res: ServerResponse, body: string, replayed: boolean): void {
  const headers: Record<string, string | number> = {
    'content-type': JSON_TYPE,
    'content-length': body.length,
    'cache-control': 'no-store',
  };
  if (replayed) headers['idempotency-replayed'] = 'true';
  res.writeHead(200, headers);
  res.end(body);
}

function render(res: ServerResponse, couponId: CouponId, userId: UserId, outcome: IssueOutcome): void {
  switch (outcome.kind) {
    case 'issued':
      // A user id is ASCII, so the body's length in characters is its length in bytes.
      return sendIssued(
        res,
        JSON.stringify(toIssuedBody(couponId, userId, outcome.rank, outcome.issuedAtMs)),
        outcome.replayed,
      );
    case 'alreadyIssued':
      return sendProblem(
        res,
        'already-issued',
        toIssuedBody(couponId, userId, outcome.rank, outcome.issuedAtMs),
      );
    case 'soldOut':
      return sendProblem(res, 'sold-out');
    case 'ended':
      return sendProblem(res, 'ended');
    case 'notOpen': {
      const seconds = Math.max(1, Math.ceil(outcome.retryAfterMs / 1000));
      return sendProblem(
        res,
        'not-open',
        { opensAt: formatTime(outcome.opensAtMs) },
        { 'retry-after': String(seconds) },
      );
    }
    case 'unknownCoupon':
      return sendProblem(res, 'unknown-coupon');
    case 'notReady':
      return sendProblem(
        res,
        outcome.reason === 'backlogFull' ? 'backlog-full' : 'not-ready',
        undefined,
        RETRY_AFTER,
      );
    case 'outcomeUnknown':
      return sendProblem(res, 'outcome-unknown', undefined, RETRY_AFTER);
    default:
      return outcome satisfies never;
  }
}

/**
 * `POST /api/v1/coupons/call/:couponId`, the hot path: plain strings and `writeHead` instead of `res.json`, no log line
 * for expected outcomes (nginx's access log has them, with the request id).
 */
export function issueRoute({ issueCoupon, admitCall, onAnswer, onCall, logger }: IssueRouteDeps) {
  const throttle = new LogThrottle(LOG_INTERVAL_MS);
  return (app: IRouter): void => {
    app.post('/api/v1/coupons/call/:couponId', (req, res) => {
      const startMs = performance.now();
      if (!admitCall(req, res)) {
        onAnswer('overloaded', performance.now() - startMs);
        return;
      }
      const couponId = parseCouponId(req.params.couponId);
      const userId = parseUserId(req);
      const fingerprint = readFingerprint(req);
      if (couponId === null || userId === null || fingerprint === null) {
        sendProblem(
          res,
          couponId === null
            ? 'invalid-coupon-id'
            : userId === null
              ? 'invalid-user-id'
              : 'invalid-idempotency-key',
        );
        onAnswer('badRequest', performance.now() - startMs);
        return;
      }
      onCall?.(req, res, couponId, fingerprint);
      issueCoupon(couponId, userId, fingerprint, res, (outcome) => {
        render(res, couponId, userId, outcome);
        const durationMs = performance.now() - startMs;
        onAnswer(outcome.kind === 'issued' && outcome.replayed ? 'replayed' : outcome.kind, durationMs);
        if ((durationMs > SLOW_MS || outcome.kind === 'outcomeUnknown') && couponId !== REHEARSED_COUPON) {
          const leftOut = throttle.pass(performance.now());
          if (leftOut === null) return;
          const requestId = req.headers['x-request-id'];
          logger.warn({ couponId, outcome, durationMs, requestId, leftOut }, 'slow or unknown answer');
        }
      });
    });
    app.all('/api/v1/coupons/call/:couponId', methodNotAllowed('POST'));
  };
}
