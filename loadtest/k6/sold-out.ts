/**
 * More users than coupons: USERS (20,000) different users for a campaign that should hold half as many. VUS virtual
 * users (10,000) stand for several users each, one after the other, because each needs an open file of k6's.
 */
import { check } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { whole } from './lib/env.ts';
import { issue } from './lib/issue.ts';
import { burst, COMMON, exactly, prepare } from './lib/scenario.ts';

const USERS = whole('USERS', 20_000);
const VUS = Math.min(USERS, whole('VUS', 10_000));

export const options: Options = {
  ...COMMON,
  scenarios: burst(VUS, Math.ceil(USERS / VUS)),
  thresholds: { http_req_failed: ['rate==0'], checks: ['rate==1'], ...exactly() },
};

export const setup = prepare;

const CHECKS = {
  'issued or sold out': (res: { status: number }) => res.status === 200 || res.status === 410,
};

export default function soldOut(): void {
  const user = exec.vu.idInTest + __ITER * VUS;
  if (user <= USERS) check(issue(user), CHECKS);
}
