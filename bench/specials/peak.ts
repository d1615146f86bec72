import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../../common/statistics.js';
import { measure } from '../../loadtest/answers.js';
import { readClientLog } from '../../loadtest/client-log.js';
import type { K6 } from '../../loadtest/k6-binary.js';
import { runK6 } from '../../loadtest/k6-run.js';

export interface PeakRound {
  readonly makespanMs: number;
  readonly p95Ms: number;
  /** 200s, and users who asked. */
  readonly issued: number;
  readonly users: number;
}

export interface PeakResult {
  readonly makespanMs: number;
  readonly p95Ms: number;
  readonly rounds: readonly PeakRound[];
}

/** The peak script of the load test, once, against any address that answers issue calls. */
export async function runPeak(
  k6: K6,
  folder: string,
  url: string,
  couponId: number,
  users: number,
): Promise<PeakRound> {
  mkdirSync(folder, { recursive: true });
  const { clientLog } = await runK6({
    k6,
    script: 'peak',
    folder,
    env: { USERS: String(users), BASE_URL: url, COUPON_ID: String(couponId) },
    tags: {},
    requests: users,
    onProgress: () => undefined,
  });
  const { makespanMs, latencyMs, answers } = measure(await readClientLog(clientLog));
  return { makespanMs, p95Ms: latencyMs.p95 ?? Number.NaN, issued: answers['200'], users };
}

export const peakResult = (rounds: readonly PeakRound[]): PeakResult => ({
  makespanMs: median(rounds.map(({ makespanMs }) => makespanMs)),
  p95Ms: median(rounds.map(({ p95Ms }) => p95Ms)),
  rounds,
});

/** Where each round's files go. */
export const peakFolder = (base: string, what: string, round: number): string =>
  join(base, 'peak', `${what}-${round}`);
