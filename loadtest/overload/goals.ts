import type { StepResult } from './steps.js';

const GOALS = { goodputRatio: 0.9, okP99Ms: 1_000, refusedP99Ms: 200, recoveryMs: 2_000 } as const;

/** A generator that is later than this measures itself. */
const BEHIND_MS = 100;

interface Judged {
  steps: readonly (StepResult & { generatorBehindMs: number })[];
  goodputRatio: number;
  recoveryMs: number | null;
}

/** What was missed, in words. */
export function missedGoals({ steps, goodputRatio, recoveryMs }: Judged): string[] {
  const missed: string[] = [];
  const most = (what: string, value: number | null, limit: number) => {
    if (value !== null && value > limit) missed.push(`${what} is ${value} ms, the goal is ${limit} ms`);
  };
  if (goodputRatio < GOALS.goodputRatio)
    missed.push(`goodput falls to ${goodputRatio} of that at capacity, the goal is ${GOALS.goodputRatio}`);
  for (const { factor, okP99Ms, settled, generatorBehindMs, other } of steps) {
    if (factor >= 10) most(`p99 of 200s at ${factor} ×`, okP99Ms, GOALS.okP99Ms);
    most(`p99 of refusals at ${factor} ×, settled,`, settled.refusedP99Ms, GOALS.refusedP99Ms);
    for (const [kind, count] of Object.entries(other))
      missed.push(`${count} calls at ${factor} × ended with ${kind}`);
    if (generatorBehindMs > BEHIND_MS)
      missed.push(
        `the load generator was ${generatorBehindMs} ms behind at ${factor} ×: not enough CPU for it`,
      );
  }
  if (recoveryMs === null) missed.push('latency did not become normal again');
  else most('the time to normal latency', recoveryMs, GOALS.recoveryMs);
  return missed;
}
