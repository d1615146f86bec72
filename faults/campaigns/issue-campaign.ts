import { Pool } from 'undici';

const TRIES_MOST = 20;
const PAUSE_MS = 200;
/** Nothing was promised, or the outcome is unknown: the same call again tells. */
const REPEATABLE = [0, 429, 503];

export interface Answer {
  status: number;
  replayed: boolean;
}

/** Issue calls over few kept connections, one in flight on each. */
export class IssueClient {
  readonly #pool: Pool;

  constructor(
    frontUrl: string,
    private readonly connections: number,
  ) {
    this.#pool = new Pool(frontUrl, { connections, headersTimeout: 10_000, bodyTimeout: 10_000 });
  }

  /** Users `first` to `first + count - 1`, all new; returns how many answers had which status. */
  async issueAll(couponId: number, first: number, count: number): Promise<Record<number, number>> {
    const statuses: Record<number, number> = {};
    let next = first;
    const work = async () => {
      while (next < first + count) {
        const { status } = await this.issue(couponId, `c${next++}`);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: this.connections }, work));
    return statuses;
  }

  /** One user's attempt, its key is the user's name; repeated until there is an answer that stays. */
  async issue(couponId: number, userId: string): Promise<Answer> {
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#call(couponId, userId);
      if (!REPEATABLE.includes(answer.status) || tries === TRIES_MOST) return answer;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #call(couponId: number, userId: string): Promise<Answer> {
    try {
      const { statusCode, headers, body } = await this.#pool.request({
        method: 'POST',
        path: `/api/v1/coupons/call/${couponId}`,
        headers: { 'x-user-id': userId, 'idempotency-key': userId },
      });
      await body.dump();
      return { status: statusCode, replayed: 'idempotency-replayed' in headers };
    } catch {
      return { status: 0, replayed: false };
    }
  }
}
