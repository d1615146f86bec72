import { z } from 'zod';

const pageSchema = z.object({
  campaigns: z.array(z.object({ couponId: z.number().int(), closedAt: z.string().nullable() })),
  next: z.number().int().nullable(),
});
const campaignSchema = z.object({ couponId: z.number().int(), total: z.number().int() });
const counts = { persisted: z.number().int(), lag: z.object({ entries: z.number().int() }) };
/** Of an archived campaign Redis has no counter any more, and MySQL has all that was issued. */
const statisticsSchema = z.union([
  z.object({ ...counts, issued: z.number().int() }),
  z
    .object({ ...counts, gate: z.literal('archived') })
    .transform(({ persisted, lag }) => ({ issued: persisted, persisted, lag })),
]);

export type Statistics = z.infer<typeof statisticsSchema>;

export interface AdminOptions {
  /** The ops door. */
  opsUrl: string;
  adminToken: string;
}

/** The operator's calls that a load test needs. */
export class AdminClient {
  constructor(private readonly options: AdminOptions) {}

  /** Opens a campaign at once and returns its id. */
  async createCampaign(name: string, total: number): Promise<number> {
    const { couponId } = campaignSchema.parse(
      await this.#call('POST', '/api/v1/admin/coupons', { name, total }),
    );
    return couponId;
  }

  /**
   * Closes what earlier runs left open, whatever became of them: coupons that nobody will have take room from new campaigns.
   * Only for a stack that nobody else uses.
   */
  async closeAllCampaigns(): Promise<void> {
    for (let after = 0; ;) {
      const { campaigns, next } = pageSchema.parse(
        await this.#call('GET', `/api/v1/admin/coupons?after=${after}&limit=100`),
      );
      for (const { couponId, closedAt } of campaigns) {
        if (closedAt === null) await this.closeCampaign(couponId);
      }
      if (next === null) return;
      after = next;
    }
  }

  async closeCampaign(couponId: number): Promise<void> {
    await this.#call('POST', `/api/v1/admin/coupons/${couponId}/close`);
  }

  async statistics(couponId: number): Promise<Statistics> {
    return statisticsSchema.parse(await this.#call('GET', `/api/v1/admin/coupons/${couponId}`));
  }

  /** Throws with method, path, status and the beginning of the body, never with the token. */
  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.options.opsUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.options.adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return JSON.parse(text);
  }
}

const POLL_MS = 100;

/**
 * Waits until everything issued is in MySQL. Returns false when that is not so after `timeoutMs`: the audit then tells
 * what is missing. Throws when the last call of the admin API failed.
 */
export async function waitUntilDrained(
  read: () => Promise<Statistics>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    let fault: unknown;
    try {
      const { issued, persisted, lag } = await read();
      if (issued === persisted && lag.entries === 0) return true;
    } catch (err) {
      fault = err;
    }
    if (Date.now() >= deadline) {
      if (fault !== undefined) throw fault;
      return false;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
