/**
 * Closed model: VUS virtual users ask without a pause for DURATION seconds, each time as a new user, on a connection that
 * stays open. Enough of them keep every replica busy; then what comes out is what the replicas can do.
 */
import { check } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { GRACE, whole } from './lib/env.ts';
import { issue } from './lib/issue.ts';
import { COMMON, prepare } from './lib/scenario.ts';

const VUS = whole('VUS', 64);
/** Seconds. */
const DURATION = whole('DURATION', 5);

export const options: Options = {
  ...COMMON,
  scenarios: {
    saturate: { executor: 'constant-vus', vus: VUS, duration: `${DURATION}s`, gracefulStop: GRACE },
  },
  thresholds: { http_req_failed: ['rate==0'], checks: ['rate==1'] },
};

export const setup = prepare;

const CHECKS = {
  'issued or sold out': (res: { status: number }) => res.status === 200 || res.status === 410,
};

export default function saturate(): void {
  check(issue(`s${exec.scenario.iterationInTest + 1}`), CHECKS);
}
