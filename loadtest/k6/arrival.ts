/**
 * Open model: users arrive at RATE a second for DURATION seconds whether or not earlier ones have their answer, each a
 * new one. PROFILE=constant, or ramping: from RATE_FROM up to RATE over DURATION, then RATE for as long again.
 */
import { check } from 'k6';
import exec from 'k6/execution';
import type { Options, Scenario } from 'k6/options';
import { GRACE, whole, word } from './lib/env.ts';
import { issue } from './lib/issue.ts';
import { COMMON, exactly, prepare } from './lib/scenario.ts';

const RATE = whole('RATE', 500);
const RATE_FROM = whole('RATE_FROM', 0);
/** Seconds. */
const DURATION = whole('DURATION', 20);
const PROFILE = word('PROFILE', 'constant');
/** Two seconds' worth: more waiting users than that are counted as dropped, which fails the run. */
const VUS = whole('VUS', Math.max(10, RATE * 2));

function arrivals(): Scenario {
  const shared = { preAllocatedVUs: VUS, maxVUs: VUS, timeUnit: '1s', gracefulStop: GRACE };
  if (PROFILE === 'constant') {
    return { executor: 'constant-arrival-rate', rate: RATE, duration: `${DURATION}s`, ...shared };
  }
  if (PROFILE !== 'ramping') throw new Error(`PROFILE=${PROFILE} is neither constant nor ramping`);
  const stages = [
    { target: RATE, duration: `${DURATION}s` },
    { target: RATE, duration: `${DURATION}s` },
  ];
  return { executor: 'ramping-arrival-rate', startRate: RATE_FROM, stages, ...shared };
}

export const options: Options = {
  ...COMMON,
  scenarios: { arrivals: arrivals() },
  thresholds: {
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    dropped_iterations: ['count==0'],
    ...exactly(),
  },
};

export const setup = prepare;

const CHECKS = {
  'issued or sold out': (res: { status: number }) => res.status === 200 || res.status === 410,
};

export default function arrival(): void {
  check(issue(`a${exec.scenario.iterationInTest + 1}`), CHECKS);
}
