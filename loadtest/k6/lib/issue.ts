import http from 'k6/http';
import type { RefinedParams, RefinedResponse } from 'k6/http';
import { Counter } from 'k6/metrics';
import { BASE_URL, COUPON_ID, TIMEOUT } from './env.ts';

http.setResponseCallback(http.expectedStatuses(200, 409, 410));

const URL = `${BASE_URL}/api/v1/coupons/call/${COUPON_ID}`;
/**
 * InfluxDB keeps one point for a time in ns and a set of tags: of two answers in the same instant one would vanish (seen:
 * 1 of 1,600). Lanes make that a rare thing; more of them would only make more series.
 */
const LANES = 64;
let tags: Record<string, string> | undefined;
const tagsOfUser = (): Record<string, string> => (tags ??= { name: 'issue', lane: String(__VU % LANES) });
const LOGGING = __ENV.CLIENT_LOG === '1';

const issued = new Counter('coupons_issued');
const alreadyIssued = new Counter('coupons_already_issued');
const soldOut = new Counter('coupons_sold_out');

type Answer = RefinedResponse<'text'>;
export type User = number | string;

function paramsOf(user: User, key: string | undefined): RefinedParams<'text'> {
  const headers: Record<string, string> = { 'X-USER-ID': String(user) };
  if (key !== undefined) headers['Idempotency-Key'] = key;
  return { headers, tags: tagsOfUser(), responseType: 'text', timeout: TIMEOUT };
}

/** The text between `before` and the next `,`, `"` or `}`: cheaper than JSON for one member of a small body. */
function member(body: string, before: string): string {
  const start = body.indexOf(before);
  if (start < 0) return '-';
  const from = start + before.length;
  let end = from;
  while (end < body.length && body[end] !== ',' && body[end] !== '"' && body[end] !== '}') end += 1;
  return end > from ? body.slice(from, end) : '-';
}

const inOneWord = (text: string): string => text.slice(0, 80).replace(/\s+/g, '_') || '-';

/** Before anything is sent: a user who wins without having asked is a phantom, one whose answer is lost is not. */
function logIntent(user: User, key: string, sentMs: number): void {
  console.log(`> ${user} ${key} ${sentMs}`);
}

/** `< user key sentMs status rank durationMs errorCode replayed code`, see loadtest/client-log.ts. */
function logAnswer(user: User, key: string, sentMs: number, res: Answer): void {
  const body = res.body || '';
  const rank = member(body, '"rank":');
  const code = res.status === 0 ? inOneWord(res.error) : res.status === 200 ? '-' : member(body, '"code":"');
  const replayed = res.headers['Idempotency-Replayed'] === undefined ? 0 : 1;
  const errorCode = res.status === 0 ? res.error_code : 0;
  console.log(
    `< ${user} ${key} ${sentMs} ${res.status} ${rank} ${Date.now() - sentMs} ${errorCode} ${replayed} ${code}`,
  );
}

function count(status: number): void {
  if (status === 200) issued.add(1, tagsOfUser());
  else if (status === 409) alreadyIssued.add(1, tagsOfUser());
  else if (status === 410) soldOut.add(1, tagsOfUser());
}

/** One try of one user; without a key nginx makes the attempt key. */
export function issue(user: User): Answer {
  const sentMs = Date.now();
  if (LOGGING) logIntent(user, '-', sentMs);
  const res = http.post(URL, null, paramsOf(user, undefined));
  if (LOGGING) logAnswer(user, '-', sentMs, res);
  count(res.status);
  return res;
}

/** Simultaneous tries of one user, one for each key, on a connection each. */
export function issueTogether(user: User, keys: readonly string[]): Answer[] {
  const sentMs = Date.now();
  if (LOGGING) for (const key of keys) logIntent(user, key, sentMs);
  const answers = http.batch(
    keys.map((key) => ({ method: 'POST', url: URL, body: null, params: paramsOf(user, key) })),
  ) as Answer[];
  for (const [i, res] of answers.entries()) {
    if (LOGGING) logAnswer(user, keys[i]!, sentMs, res);
    count(res.status);
  }
  return answers;
}
