import { audit, FAULTS, type Audit } from '../loadtest/audit.js';
import type { Attempt } from '../loadtest/client-log.js';
import { checkDoors } from './compose-nginx.js';
import { checkMet, checkNoticed } from './effects.js';
import { checkHistory, writeHistory } from './history/check-history.js';
import type { Injection, FaultScenario, ScenarioResult, ScenarioRun } from './scenario.js';
import type { TestEnvironment } from './environment.js';

const SENTENCES_MOST = 5;

const TIMED_OUT = 1050;

/** A try that told its client nothing definite. */
export const isFailed = ({ answer }: Attempt): boolean =>
  answer === null ||
  answer.status === 0 ||
  answer.status >= 500 ||
  answer.status === 429 ||
  answer.status === 408;

function describeKind({ answer }: Attempt): string {
  if (!answer) return 'none';
  if (answer.status > 0) return String(answer.status);
  return answer.errorCode === TIMED_OUT ? 'timeout' : 'broken';
}

export function countAnswers(attempts: readonly Attempt[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const attempt of attempts) counts[describeKind(attempt)] = (counts[describeKind(attempt)] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => a.localeCompare(b)));
}

/**
 * For each injection, the time from its end to the last failed answer before the next one began. Answers are what counts,
 * not when their request was sent.
 */
export function measureRecoveries(attempts: readonly Attempt[], injections: readonly Injection[]): number[] {
  const failedAt = attempts
    .filter(isFailed)
    .map(({ sentMs, answer }) => sentMs + (answer?.durationMs ?? 0))
    .sort((a, b) => a - b);
  return injections.map(({ atMs, liftedMs }, index) => {
    const nextMs = injections[index + 1]?.atMs ?? Infinity;
    const last = failedAt.findLast((time) => time >= atMs && time < nextMs);
    return last === undefined ? 0 : Math.max(0, last - liftedMs);
  });
}

/** What the audit cannot know: every user here repeats with the same key, and must end with an answer. */
export function checkClients(attempts: readonly Attempt[]): {
  falseRejections: Set<string>;
  faults: string[];
} {
  const byKey = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const tries = byKey.get(attempt.key ?? '');
    if (tries) tries.push(attempt);
    else byKey.set(attempt.key ?? '', [attempt]);
  }
  const falseRejections = new Set<string>();
  const strange: Record<string, number> = {};
  let undecided = 0;
  for (const [key, tries] of byKey) {
    const last = tries.at(-1)!;
    if (isFailed(last)) undecided += 1;
    const status = last.answer?.status ?? 0;
    // The first key of a user cannot be told that somebody else, with another key, was faster.
    if (key.endsWith('.a') && tries.some(({ answer }) => answer?.status === 409))
      falseRejections.add(last.userId);
    if (!isFailed(last) && ![200, 409, 410].includes(status)) strange[status] = (strange[status] ?? 0) + 1;
  }
  const faults = Object.entries(strange).map(([status, count]) => `${count} users were told ${status}`);
  if (undecided > 0) faults.push(`${undecided} users never had a definite answer`);
  const internal = attempts.filter(({ answer }) => answer && [500, 502, 504].includes(answer.status)).length;
  if (internal > 0) faults.push(`${internal} answers were 500, 502 or 504 instead of 503`);
  return { falseRejections, faults };
}

export interface FinishedRun {
  scenario: FaultScenario;
  run: ScenarioRun;
  attempts: readonly Attempt[];
  drainedMs: number | null;
  durationMs: number;
  notes: readonly string[];
  /** Dead letters that were there before. */
  lettersBefore: number;
  lettersExpected: number;
}

/** The three sets, what the clients must never see, and what only the scenario knows. */
export async function decideVerdict(
  environment: TestEnvironment,
  finished: FinishedRun,
): Promise<ScenarioResult> {
  const { scenario, run, attempts } = finished;
  const facts = await environment.readFacts(run.couponId);
  const history = await checkHistory(
    await writeHistory({
      name: `${environment.mode}-scenario-${scenario.number}`,
      couponId: run.couponId,
      attempts,
      operations: environment.operations,
      facts,
    }),
  );
  const audited = audit({ facts, attempts, stockRaised: scenario.stockRaised ?? false });
  audited.deadLetters -= finished.lettersBefore + finished.lettersExpected;
  const clients = checkClients(attempts);
  const failed = attempts.filter(isFailed).length;
  const faults = [
    ...describeAuditFaults(audited),
    ...clients.faults,
    ...(scenario.clientsNoticeNothing && failed > 0
      ? [`clients saw ${failed} failed answers, none was expected`]
      : []),
    ...(scenario.clientsMustNotice ? checkNoticed(run.injections, attempts, isFailed) : []),
    ...checkMet(run.injections, attempts),
    ...(finished.drainedMs === null ? ['not everything issued was in MySQL in time'] : []),
    ...(history.verdict === 'violated' ? history.said.map((sentence) => `history: ${sentence}`) : []),
    ...(environment.stack.mode === 'compose' ? await checkDoors(environment.stack) : []),
    ...((await scenario.check?.(run, { attempts, audited })) ?? []),
  ];
  const falseRejections = audited.falseRejections + clients.falseRejections.size;
  if (clients.falseRejections.size > 0)
    faults.push(`${clients.falseRejections.size} users were told 409 for their own try`);
  const recoveriesMs = measureRecoveries(attempts, run.injections);
  return {
    row: scenario.number,
    fault: scenario.fault,
    injected: run.injections.length,
    answers: countAnswers(attempts),
    lost: audited.lost + audited.unpersisted,
    duplicated: audited.duplicated,
    oversold: audited.oversold,
    falseRejections,
    recoveryMs: Math.max(0, ...recoveriesMs),
    recoveriesMs,
    drainedMs: finished.drainedMs,
    users: new Set(attempts.map(({ userId }) => userId)).size,
    durationMs: finished.durationMs,
    history: history.verdict,
    faults,
    notes: [
      ...finished.notes,
      ...(history.verdict === 'violated' ? [] : history.said.map((line) => `history: ${line}`)),
    ],
  };
}

function describeAuditFaults(audited: Audit): string[] {
  return FAULTS.filter((name) => audited[name] !== 0).map((name) => {
    const examples = (audited.details[name] ?? []).slice(0, SENTENCES_MOST).join('; ');
    return `${name} ${audited[name]}${examples ? `: ${examples}` : ''}`;
  });
}
