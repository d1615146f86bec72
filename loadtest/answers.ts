import { roundTo } from '../common/format.js';
import { summariseLatency, type Latency } from '../common/statistics.js';
import type { Answer, Attempt } from './client-log.js';

export interface AnswerCounts {
  '200': number;
  '409': number;
  '410': number;
  /** Any other status: none of the scenarios expects one. */
  other: number;
  /** No answer in time, or none before the client ended. */
  timeouts: number;
  /** Refused, broken or reset. */
  connectionErrors: number;
}

export interface Measures {
  answers: AnswerCounts;
  /** Successful answers (200) a second between the first request and the last answer. */
  tps: number;
  /** All answers, also rejections and unexpected ones, a second over the same time. */
  answersPerSecond: number;
  /** From the first request sent to the last answer in hand. */
  makespanMs: number;
  /** First and last request sent: how simultaneous the burst really was. */
  sendingMs: number;
  /** From the intent to the answer in hand, of definite answers: a quick 503 is no short wait, and who got no answer is counted in `answers` only. */
  latencyMs: Latency;
  /** The same apart: a rejection (409, 410) costs less than a coupon. */
  latencyByOutcomeMs: { issued: Latency; rejected: Latency };
  /** Different users who asked. */
  users: number;
  /** When the last answer came, ms since the epoch. */
  lastAnswerAtMs: number;
}

const TIMEOUT_CODES = new Set([1050, 1211]);

/** The user knows where they stand: a coupon (200), the coupon they hold (409), or none left (410). */
export const isDefinite = ({ status }: Answer): boolean => status === 200 || status === 409 || status === 410;

function kindOf({ answer }: Attempt): keyof AnswerCounts {
  if (answer === null) return 'timeouts';
  switch (answer.status) {
    case 200:
      return '200';
    case 409:
      return '409';
    case 410:
      return '410';
    case 0:
      return TIMEOUT_CODES.has(answer.errorCode) ? 'timeouts' : 'connectionErrors';
    default:
      return 'other';
  }
}

/** Everything is computed from the samples of the client log, nothing from k6's averages over set-up and start. */
export function measure(attempts: readonly Attempt[]): Measures {
  const answers: AnswerCounts = { '200': 0, '409': 0, '410': 0, other: 0, timeouts: 0, connectionErrors: 0 };
  const issued: number[] = [];
  const rejected: number[] = [];
  let [firstSent, lastSent, lastAnswer] = [Infinity, 0, 0];
  for (const attempt of attempts) {
    answers[kindOf(attempt)] += 1;
    firstSent = Math.min(firstSent, attempt.sentMs);
    lastSent = Math.max(lastSent, attempt.sentMs);
    if (!attempt.answer) continue;
    lastAnswer = Math.max(lastAnswer, attempt.sentMs + attempt.answer.durationMs);
    if (!isDefinite(attempt.answer)) continue;
    (attempt.answer.status === 200 ? issued : rejected).push(attempt.answer.durationMs);
  }
  const makespanMs = lastAnswer > firstSent ? lastAnswer - firstSent : 0;
  const perSecond = (count: number): number =>
    makespanMs > 0 ? roundTo((count * 1_000) / makespanMs, 1) : 0;
  return {
    answers,
    tps: perSecond(issued.length),
    answersPerSecond: perSecond(issued.length + rejected.length + answers.other),
    makespanMs,
    sendingMs: attempts.length > 0 ? lastSent - firstSent : 0,
    latencyMs: summariseLatency([...issued, ...rejected]),
    latencyByOutcomeMs: { issued: summariseLatency(issued), rejected: summariseLatency(rejected) },
    users: new Set(attempts.map(({ userId }) => userId)).size,
    lastAnswerAtMs: lastAnswer,
  };
}
