import type { Answer, Attempt } from '../../loadtest/client-log.js';
import type { OperatorOperation } from '../operator-calls.js';

/** One line of a history: docs/history.md. */
export interface HistoryEvent {
  /** The same in both lines of an operation. */
  id: number;
  type: 'invoke' | 'ok' | 'fail' | 'unknown';
  process: string;
  op: 'issue' | OperatorOperation['op'];
  coupon: number;
  /** Milliseconds since the epoch. */
  time: number;
  user?: string;
  key?: string;
  total?: number;
  status?: number;
  code?: string;
  rank?: number;
  issuedAt?: number;
  replayed?: boolean;
}

const OPERATOR = 'operator';

/** A 503 is unknown whatever its code says: an earlier try of nginx may have been decided. A 429 never reached a replica. */
function toEventType({ status }: Answer): 'ok' | 'fail' | 'unknown' {
  if (status === 200) return 'ok';
  return status === 0 || status >= 500 || status === 408 ? 'unknown' : 'fail';
}

function issueEvents(id: number, couponId: number, attempt: Attempt): HistoryEvent[] {
  const { userId, key, sentMs, answer } = attempt;
  const common = {
    id,
    process: userId,
    op: 'issue',
    coupon: couponId,
    user: userId,
    key: key ?? '',
  } as const;
  const invoke: HistoryEvent = { ...common, type: 'invoke', time: sentMs };
  // No second line: the client ended before it knew.
  if (answer === null) return [invoke];
  const { status, code, rank, issuedAtMs, replayed, durationMs } = answer;
  const end: HistoryEvent = {
    ...common,
    type: toEventType(answer),
    time: sentMs + durationMs,
    status,
    ...(code !== null && { code }),
    ...(rank !== null && { rank }),
    ...(issuedAtMs !== undefined && { issuedAt: issuedAtMs }),
    ...(replayed && { replayed }),
  };
  return [invoke, end];
}

function operatorEvents(id: number, operation: OperatorOperation): HistoryEvent[] {
  const { op, couponId, total, startMs, endMs, outcome } = operation;
  const common = { id, process: OPERATOR, op, coupon: couponId, ...(total !== undefined && { total }) };
  return [
    { ...common, type: 'invoke', time: startMs },
    { ...common, type: outcome, time: endMs },
  ];
}

/** Both lines of every operation, in the order of their times. */
export function historyEvents(
  couponId: number,
  attempts: readonly Attempt[],
  operations: readonly OperatorOperation[],
): HistoryEvent[] {
  const own = operations.filter((operation) => operation.couponId === couponId);
  const events = [
    ...own.flatMap((operation, i) => operatorEvents(i + 1, operation)),
    ...attempts.flatMap((attempt, i) => issueEvents(own.length + i + 1, couponId, attempt)),
  ];
  return events.sort((a, b) => a.time - b.time);
}
