/**
 * The original scenario: USERS virtual users (10,000) press the button once, in the same second.
 * By hand: `k6 run loadtest/k6/peak.ts` against coupon 1 on localhost:8080.
 */
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { whole } from './lib/env.ts';
import { issue } from './lib/issue.ts';
import { burst, COMMON, exactly, prepare } from './lib/scenario.ts';

const USERS = whole('USERS', 10_000);

export const options: Options = {
  ...COMMON,
  scenarios: burst(USERS, 1),
  thresholds: {
    http_req_failed: ['rate==0'],
    'checks{check:not a fault (500)}': ['rate==1'],
    ...exactly(),
  },
};

export const setup = prepare;

const CHECKS = {
  'issued (200)': (res: { status: number }) => res.status === 200,
  'already issued (409)': (res: { status: number }) => res.status === 409,
  'not a fault (500)': (res: { status: number }) => res.status !== 500,
};

export default function peak(): void {
  check(issue(exec.vu.idInTest), CHECKS);
  sleep(0.1);
}
