/** USERS users (5,000) press the button TRIES times (3) at once, each try with an attempt key of its own: one may win. */
import { check } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { whole } from './lib/env.ts';
import { issueTogether } from './lib/issue.ts';
import { burst, COMMON, exactly, prepare } from './lib/scenario.ts';

const USERS = whole('USERS', 5_000);
const TRIES = whole('TRIES', 3);
/** Of this run, so that a second run by hand does not replay the first one's answers. */
const RUN = Date.now().toString(36);

export const options: Options = {
  ...COMMON,
  scenarios: burst(USERS, 1),
  batchPerHost: TRIES,
  thresholds: { http_req_failed: ['rate==0'], checks: ['rate==1'], ...exactly() },
};

export const setup = prepare;

const CHECKS = {
  'at most one of the tries is issued': (answers: { status: number }[]) =>
    answers.filter(({ status }) => status === 200).length <= 1,
  'every try is decided': (answers: { status: number }[]) =>
    answers.every(({ status }) => status === 200 || status === 409 || status === 410),
};

export default function duplicates(): void {
  const keys = Array.from({ length: TRIES }, (_, i) => `${RUN}-${exec.vu.idInTest}-${i}`);
  check(issueTogether(exec.vu.idInTest, keys), CHECKS);
}
