import { ADMIN_TOKEN } from './api-replica.js';

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed when it is JSON. */
  body: Record<string, unknown>;
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  const body = (isJson && text !== '' ? JSON.parse(text) : { text }) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}

/** One user's try. Without a key each is an attempt of its own. */
export const issue = (
  baseUrl: string,
  couponId: number | string,
  userId: string,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  call(`${baseUrl}/api/v1/coupons/call/${couponId}`, {
    method: 'POST',
    headers: { 'x-user-id': userId, ...headers },
  });

export const admin = (baseUrl: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  call(`${baseUrl}/api/v1/admin/coupons${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

/** Creates a campaign, open since a moment ago unless told otherwise, and returns its id. */
export async function createCampaign(
  baseUrl: string,
  campaign: { total: number; opensAt?: string; closesAt?: string | null },
): Promise<number> {
  const opensAt = new Date(Date.now() - 1_000).toISOString();
  const answer = await admin(baseUrl, 'POST', '', { name: 'Test', opensAt, ...campaign });
  if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body['couponId'] as number;
}
