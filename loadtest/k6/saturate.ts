/**
 * Closed model: VUS virtual users ask without a pause for DURATION seconds, each time as a new user, on a connection that
 * stays open. Enough of them keep every replica busy; then what comes out is what the replicas can do.
 */
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
  // No check: it would be one more sample of each request.
  thresholds: { http_req_failed: ['rate==0'] },
};

export const setup = prepare;

export default function saturate(): void {
  issue(`s${exec.scenario.iterationInTest + 1}`);
}
