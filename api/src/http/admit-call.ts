import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoadShedder } from './load-shedder.js';
import { PROBLEM_CONTENT_TYPE, problemBody } from './problem.js';

interface AdmitCallDeps {
  shedder: () => LoadShedder;
  /** Attempts in hand. */
  pending: () => number;
  onWait: (waitMs: number) => void;
  /** Refuses at once the connections that were not taken yet. */
  refuseWaiting: () => void;
}

/** Whether a call may go on; otherwise it has had its answer. */
export type AdmitCall = (req: IncomingMessage, res: ServerResponse) => boolean;

const BODY = problemBody('overloaded');
const LENGTH = String(Buffer.byteLength(BODY));
const RETRY_AFTER = ['1', '2', '3'];

/** nginx has its note by then. Without one, those that are reset would be passed on at once. */
const NOTED_WITHIN_MS = 50;

const START = /^t=([0-9]{1,12})\.([0-9]{3})$/;

/** ms since the epoch of `t=<seconds>.<millis>`; null for anything else. */
export function parseRequestStart(text: unknown): number | null {
  const [, seconds, millis] = (typeof text === 'string' ? START.exec(text) : null) ?? [];
  return seconds === undefined ? null : Number(seconds) * 1_000 + Number(millis);
}

function parseBound(text: unknown): number | null {
  const bound = typeof text === 'string' ? Number(text) : NaN;
  return bound > 0 ? bound : null;
}

/** The first step of an issue call. A refusal is as cheap as can be: a finished body, nothing parsed, no log line. */
export const createAdmitCall =
  ({ shedder, pending, onWait, refuseWaiting }: AdmitCallDeps): AdmitCall =>
  (req, res) => {
    const nowMs = Date.now();
    const arrival = {
      startedMs: parseRequestStart(req.headers['x-request-start']),
      bound: parseBound(req.headers['x-issue-bound']),
    };
    const current = shedder();
    const waitMs = current.measureWait(arrival, nowMs);
    onWait(waitMs);
    const decision = current.decide(arrival, waitMs, nowMs, pending());
    if (decision.kind === 'serve') return true;
    refuse(res, decision.kind === 'refuseAndTell' ? decision.period : null);
    if (decision.kind === 'refuseAndTell' && decision.isStanding) {
      setTimeout(refuseWaiting, NOTED_WITHIN_MS).unref();
    }
    return false;
  };

/** `period`: nginx puts an answer of its own in place of this one and keeps it: nginx/templates/overload.conf.template. */
function refuse(res: ServerResponse, period: number | null): void {
  const headers: Record<string, string> = {
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': LENGTH,
    'cache-control': 'no-store',
    // Not all at once again.
    'retry-after': RETRY_AFTER[Math.floor(Math.random() * RETRY_AFTER.length)]!,
  };
  if (period !== null) headers['x-accel-redirect'] = `/_overloaded/${period}`;
  res.writeHead(503, headers);
  res.end(BODY);
}
