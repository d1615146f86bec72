/** A whole number from the environment; throws, before anything is sent, when it is not one. */
export function whole(name: string, fallback: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name}=${text} is not a whole number`);
  return value;
}

export const word = (name: string, fallback: string): string => __ENV[name] || fallback;

/** This machine, or a service of the compose network (a name without dots). */
const NEAR = /^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\]|[a-z][a-z0-9-]*)(:\d+)?$/;

function readBaseUrl(): string {
  const url = word('BASE_URL', 'http://localhost:8080').replace(/\/$/, '');
  if (!NEAR.test(url) && __ENV.ALLOW_REMOTE !== 'yes') {
    throw new Error(
      `${url} is not on this machine: set ALLOW_REMOTE=yes if that load is really wanted there`,
    );
  }
  return url;
}

export const BASE_URL = readBaseUrl();
export const COUPON_ID = whole('COUPON_ID', 1);
/** Longest wait for one answer; after it the outcome is unknown to the client. */
export const TIMEOUT = word('TIMEOUT', '60s');
/** How long iterations under way may take to finish after the end of a scenario. */
export const GRACE = word('GRACE', '90s');
