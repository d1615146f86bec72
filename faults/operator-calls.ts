import type { Stack } from '../stack/types.js';

export interface CampaignChange {
  total?: number;
}

/** What was asked for and when, as the history has it. */
export interface OperatorOperation {
  op: 'create' | 'raise' | 'close';
  couponId: number;
  /** Of a campaign that is created or raised. */
  total?: number;
  startMs: number;
  endMs: number;
  /** `unknown`: refused, broken off, or not in Redis yet (202). */
  outcome: 'ok' | 'unknown';
}

const WITHIN_MS = 10_000;
const DONE = 200;

/** What an operator does through the ops door, written down. */
export class OperatorCalls {
  constructor(
    private readonly stack: Pick<Stack, 'opsUrl' | 'adminToken'>,
    private readonly operations: OperatorOperation[],
  ) {}

  async change(couponId: number, change: CampaignChange): Promise<void> {
    const { total } = change;
    const work = () => this.#call('PATCH', `/${couponId}`, change);
    if (total === undefined) await work();
    else await this.#record({ op: 'raise', couponId, total }, work);
  }

  async close(couponId: number): Promise<void> {
    await this.#record({ op: 'close', couponId }, () => this.#call('POST', `/${couponId}/close`));
  }

  async gateIsOpen(couponId: number): Promise<boolean> {
    const answer = await this.#call('GET', `/${couponId}`).catch(() => null);
    return (answer?.body as { gate?: string } | undefined)?.gate === 'open';
  }

  async #record(
    what: Pick<OperatorOperation, 'op' | 'couponId' | 'total'>,
    work: () => Promise<{ status: number }>,
  ): Promise<void> {
    const operation: OperatorOperation = {
      ...what,
      startMs: Date.now(),
      endMs: Infinity,
      outcome: 'unknown',
    };
    this.operations.push(operation);
    try {
      if ((await work()).status === DONE) operation.outcome = 'ok';
    } finally {
      operation.endMs = Date.now();
    }
  }

  async #call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const { opsUrl, adminToken } = this.stack;
    const response = await fetch(`${opsUrl}/api/v1/admin/coupons${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return { status: response.status, body: JSON.parse(text) };
  }
}
