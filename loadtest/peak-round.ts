import { mkdirSync } from 'node:fs';
import type { Latency } from '../common/statistics.js';
import { measure } from './answers.js';
import { readClientLog } from './client-log.js';
import type { K6 } from './k6-binary.js';
import { runK6 } from './k6-run.js';

export interface PeakRound {
  /** From the first request to the last answer. */
  readonly makespanMs: number;
  readonly latencyMs: Readonly<Latency>;
  /** Users who got their 200. */
  readonly issued: number;
  readonly users: number;
}

/** Where the peak script of the load test runs, once: any address that answers issue calls. */
interface PeakTarget {
  readonly k6: K6;
  /** For what k6 writes. */
  readonly folder: string;
  readonly url: string;
  readonly couponId: number;
  readonly users: number;
}

export async function measurePeakRound({ k6, folder, url, couponId, users }: PeakTarget): Promise<PeakRound> {
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
  return { makespanMs, latencyMs, issued: answers['200'], users };
}
