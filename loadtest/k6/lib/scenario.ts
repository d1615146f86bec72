import { sleep } from 'k6';
import http from 'k6/http';
import type { Options } from 'k6/options';
import { BASE_URL, COUPON_ID, GRACE, whole } from './env.ts';

/** When this generator and all others begin, ms since the epoch; 0: at once. */
const START_AT_MS = whole('START_AT_MS', 0);

/**
 * Tags that nobody reads cost CPU on every sample and space in every output. Without k6's own `scenario` the runner's
 * `--tag scenario=peak` is the one that counts.
 */
const SYSTEM_TAGS: Options['systemTags'] = [
  'status',
  'method',
  'name',
  'check',
  'error_code',
  'expected_response',
];

export const COMMON: Options = {
  discardResponseBodies: true,
  systemTags: SYSTEM_TAGS,
  summaryTrendStats: ['min', 'med', 'avg', 'p(90)', 'p(95)', 'p(99)', 'max'],
  // Virtual users are there before setup() runs, which may wait for the start long after.
  setupTimeout: START_AT_MS > 0 ? '31m' : '20s',
};

/** All at once: every virtual user does its iterations as fast as it can. */
export const burst = (vus: number, iterations: number): Options['scenarios'] => ({
  burst: {
    executor: 'per-vu-iterations',
    vus,
    iterations,
    maxDuration: '10m',
    gracefulStop: GRACE,
  },
});

/**
 * Exact numbers of answers, where EXPECT_ISSUED and its like are given. They hold for a fresh campaign only, which a
 * run by hand may not have.
 */
export function exactly(): Record<string, string[]> {
  const thresholds: Record<string, string[]> = {};
  for (const [variable, metric] of [
    ['EXPECT_ISSUED', 'coupons_issued'],
    ['EXPECT_ALREADY_ISSUED', 'coupons_already_issued'],
    ['EXPECT_SOLD_OUT', 'coupons_sold_out'],
  ] as const) {
    if (__ENV[variable]) thresholds[metric] = [`count==${whole(variable, 0)}`];
  }
  return thresholds;
}

/** For `setup()`: k6 ends before the burst unless the campaign takes issue calls, and this generator is in time. */
export function prepare(): void {
  couponMustBeOpen();
  waitForStart();
}

function waitForStart(): void {
  if (START_AT_MS === 0) return;
  const earlyMs = START_AT_MS - Date.now();
  if (earlyMs < 0) throw new Error(`ready ${-earlyMs} ms after the start: choose a later one`);
  sleep(earlyMs / 1000);
}

function couponMustBeOpen(): void {
  const url = `${BASE_URL}/api/v1/coupons/${COUPON_ID}`;
  const res = http.get(url, { responseType: 'text', timeout: '10s', tags: { name: 'setup' } });
  if (res.status === 0) throw new Error(`${url} does not answer (${res.error}): is the stack up? (make up)`);
  if (res.status !== 200) throw new Error(`${url} answers ${res.status}: ${res.body}`);
  const { state } = res.json() as { state?: string };
  if (state !== 'open' && state !== 'soldOut') {
    throw new Error(`coupon ${COUPON_ID} is ${state}, not open: choose another one with COUPON_ID`);
  }
}
