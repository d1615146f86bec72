import type { Attempt } from '../loadtest/client-log.js';
import type { Injection } from './scenario.js';

/** Less than this share of a scenario's faults met an issuing campaign: the rush was over too early to prove anything. */
const SHARE_WHILE_ISSUING = 0.5;

const answeredMs = ({ sentMs, answer }: Attempt): number => sentMs + (answer?.durationMs ?? 0);

/** How many injections have such an answer between their beginning and the next one's. */
function countFollowed(injections: readonly Injection[], answers: readonly Attempt[]): number {
  const times = answers.map(answeredMs);
  return injections.filter(({ atMs }, index) => {
    const nextMs = injections[index + 1]?.atMs ?? Infinity;
    return times.some((time) => time >= atMs && time < nextMs);
  }).length;
}

const isNewCoupon = ({ answer }: Attempt): boolean => answer?.status === 200 && !answer.replayed;

/** A fault that meets nothing proves nothing. Returns what is wrong, in words. */
export function checkMet(injections: readonly Injection[], attempts: readonly Attempt[]): string[] {
  const met = countFollowed(injections, attempts.filter(isNewCoupon));
  return met >= injections.length * SHARE_WHILE_ISSUING
    ? []
    : [`only ${met} of ${injections.length} faults came while coupons were being issued`];
}

/** Where a fault cannot go unnoticed, one that nobody noticed did not happen. */
export function checkNoticed(
  injections: readonly Injection[],
  attempts: readonly Attempt[],
  isFailed: (attempt: Attempt) => boolean,
): string[] {
  const noticed = countFollowed(
    injections,
    attempts.filter(({ answer }) => answer !== null).filter(isFailed),
  );
  return noticed === injections.length
    ? []
    : [`only ${noticed} of ${injections.length} faults were noticed by a client`];
}

/** How many new coupons were issued while something was away: between a fault and the beginning of its repair. */
export function countIssuedWhileAway(injections: readonly Injection[], attempts: readonly Attempt[]): number {
  const times = attempts.filter(isNewCoupon).map(answeredMs);
  return times.filter((time) => injections.some(({ atMs, liftedMs }) => time >= atMs && time < liftedMs))
    .length;
}
