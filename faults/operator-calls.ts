import type { Stack } from '../stack/index.js';

export interface CampaignChange {
  total?: number;
}

const WITHIN_MS = 10_000;

/** What an operator does through the ops door; repeated while the answer is a 503 or the connection breaks. */
export class OperatorCalls {
  constructor(private readonly stack: Pick<Stack, 'opsUrl' | 'adminToken'>) {}

  async change(couponId: number, change: CampaignChange): Promise<void> {
    await this.#call('PATCH', `/${couponId}`, change);
  }

  async close(couponId: number): Promise<void> {
    await this.#call('POST', `/${couponId}/close`);
  }

  async gateIsOpen(couponId: number): Promise<boolean> {
    const campaign = (await this.#call('GET', `/${couponId}`).catch(() => null)) as { gate?: string } | null;
    return campaign?.gate === 'open';
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const { opsUrl, adminToken } = this.stack;
    const response = await fetch(`${opsUrl}/api/v1/admin/coupons${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return JSON.parse(text);
  }
}
