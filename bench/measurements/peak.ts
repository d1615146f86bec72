import { mkdirSync } from 'node:fs';
import { median } from '../../common/statistics.js';
import { measure } from '../../loadtest/answers.js';
import { readClientLog } from '../../loadtest/client-log.js';
import type { K6 } from '../../loadtest/k6-binary.js';
import { runK6 } from '../../loadtest/k6-run.js';

type PeakRound = Awaited<ReturnType<typeof measurePeakRound>>;
export type Peak = ReturnType<typeof summarisePeak>;

/** Where the peak script of the load test runs, once: any address that answers issue calls. */
interface PeakTarget {
  readonly k6: K6;
  /** For what k6 writes. */
  readonly folder: string;
  readonly url: string;
  readonly couponId: number;
  readonly users: number;
}

/** Milliseconds; how many of the users got their 200. */
export async function measurePeakRound({ k6, folder, url, couponId, users }: PeakTarget) {
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

/** Medians: one odd round does not move them. */
export const summarisePeak = (rounds: readonly PeakRound[]) => ({
  makespanMs: median(rounds.map(({ makespanMs }) => makespanMs)),
  p95Ms: median(rounds.map(({ p95Ms }) => p95Ms)),
  rounds,
});
