import type { Answer, Attempt } from './client-log.js';
import type { Facts, Holding } from './facts.js';
import type { Findings } from './findings.js';

interface Books {
  mysql: ReadonlyMap<string, Holding>;
  redis: ReadonlyMap<string, Holding>;
  /** When the last coupon of the stock went; null while some are left. */
  exhaustedAtMs: number | null;
  stockRaised: boolean;
}

/** Attempts whose client cannot know what came of them: no answer, or a fault of the server. */
const isUnknown = (answer: Answer | null): boolean =>
  answer === null || answer.status === 0 || answer.status >= 500;

/** What every user was told, against what the stores hold. */
export function checkAnswers(
  facts: Facts,
  attempts: readonly Attempt[],
  stockRaised: boolean,
  findings: Findings,
): void {
  const books = openBooks(facts, stockRaised);
  const byUser = triesByUser(attempts);
  for (const [userId, tries] of byUser) {
    for (const attempt of tries) checkAttempt(attempt, books, findings);
    checkPromises(userId, tries, findings);
    checkNeverTold(userId, tries, books, findings);
  }
  for (const { userId, rank } of [...facts.mysql, ...facts.redis]) {
    if (byUser.has(userId)) continue;
    findings.add('phantom', userId, `user ${userId} holds rank ${rank} and never asked for it`);
  }
}

function triesByUser(attempts: readonly Attempt[]): Map<string, Attempt[]> {
  const byUser = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const tries = byUser.get(attempt.userId);
    if (tries) tries.push(attempt);
    else byUser.set(attempt.userId, [attempt]);
  }
  return byUser;
}

function openBooks({ mysql, redis, total }: Facts, stockRaised: boolean): Books {
  const index = (holdings: Holding[]) => new Map(holdings.map((holding) => [holding.userId, holding]));
  const issuedAtByRank = new Map([...redis, ...mysql].map(({ rank, issuedAtMs }) => [rank, issuedAtMs]));
  const exhausted = issuedAtByRank.size >= total;
  return {
    mysql: index(mysql),
    redis: index(redis),
    exhaustedAtMs: exhausted ? (issuedAtByRank.get(total) ?? 0) : null,
    stockRaised,
  };
}

function checkAttempt(attempt: Attempt, books: Books, findings: Findings): void {
  const { answer } = attempt;
  if (answer === null || isUnknown(answer)) return resolve(attempt, books, findings);
  if (answer.status === 200) return checkHeld(attempt.userId, answer, books, findings);
  if (answer.status === 409) {
    checkHeld(attempt.userId, answer, books, findings);
    if (!holds(attempt.userId, books)) {
      findings.add(
        'falseRejections',
        attempt.userId,
        `user ${attempt.userId} was told 409 and holds nothing`,
      );
    }
    return;
  }
  if (answer.status === 410 && answer.code !== 'ended') checkSoldOut(attempt, answer, books, findings);
}

const holds = (userId: string, { mysql, redis }: Books): boolean => mysql.has(userId) || redis.has(userId);

/** A 200, or the rank of a 409: the coupon must be in MySQL, and with that rank. */
function checkHeld(userId: string, { status, rank }: Answer, { mysql }: Books, findings: Findings): void {
  const row = mysql.get(userId);
  if (!row) {
    if (status === 200 || rank !== null) {
      findings.add(
        'lost',
        userId,
        `user ${userId} was told ${status} with rank ${rank ?? '?'}, not in MySQL`,
      );
    }
    return;
  }
  if (rank === row.rank || (rank === null && status === 409)) return;
  findings.add(
    'falseRejections',
    userId,
    `user ${userId} was told ${status} with rank ${rank ?? '?'} and holds rank ${row.rank}`,
  );
}

function checkSoldOut({ userId, sentMs }: Attempt, answer: Answer, books: Books, findings: Findings): void {
  const held = books.mysql.get(userId) ?? books.redis.get(userId);
  if (held) {
    findings.add('falseRejections', userId, `user ${userId} was told 410 and holds rank ${held.rank}`);
    return;
  }
  if (books.stockRaised) return;
  if (books.exhaustedAtMs === null) {
    findings.add('falseRejections', userId, `user ${userId} was told 410 while coupons are left`);
  } else if (sentMs + answer.durationMs < books.exhaustedAtMs) {
    findings.add('falseRejections', userId, `user ${userId} was told 410 before the last coupon was issued`);
  }
}

/** Two answers that each promise a new coupon: a second one is a 409, or a replay that says so. */
function checkPromises(userId: string, tries: readonly Attempt[], findings: Findings): void {
  const promised = tries.filter(({ answer }) => answer?.status === 200 && !answer.replayed);
  if (promised.length > 1) {
    const ranks = promised.map(({ answer }) => answer?.rank ?? '?').join(', ');
    findings.add(
      'duplicated',
      userId,
      `user ${userId} was promised ${promised.length} coupons (ranks ${ranks})`,
    );
  }
}

/** A winner who was told no by every try, none of them unknown: the good news went nowhere. */
function checkNeverTold(
  userId: string,
  tries: readonly Attempt[],
  { mysql }: Books,
  findings: Findings,
): void {
  const row = mysql.get(userId);
  if (!row || tries.some(({ answer }) => isUnknown(answer) || answer?.status === 200)) return;
  const heldBefore = row.issuedAtMs < Math.min(...tries.map(({ sentMs }) => sentMs));
  if (heldBefore) return;
  const told = tries.map(({ answer }) => answer?.status).join(', ');
  findings.add('falseRejections', userId, `user ${userId} won rank ${row.rank} and was only told ${told}`);
}

function resolve({ userId, key, answer }: Attempt, { mysql }: Books, findings: Findings): void {
  const row = mysql.get(userId);
  findings.add(
    'unknownResolved',
    // Every unknown try counts, also several of one user.
    `${userId} ${key ?? ''} ${findings.count('unknownResolved')}`,
    `user ${userId} (${reasonOf(answer)}): ${row ? `issued, rank ${row.rank}` : 'not issued'}`,
  );
}

function reasonOf(answer: Answer | null): string {
  if (answer === null) return 'no answer';
  if (answer.status !== 0) return String(answer.status);
  return `no answer, k6 error ${answer.errorCode}${answer.code === null ? '' : ` ${answer.code}`}`;
}
