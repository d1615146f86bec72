import { Agent } from 'node:http';
import type { Answer } from '../../loadtest/client-log.js';
import { callIssue } from '../client/call.js';

const TRIES_MOST = 20;
const PAUSE_MS = 200;
const TIMEOUT_MS = 10_000;
/** Nothing was promised, or the outcome is unknown: the same call again tells. */
const REPEATABLE = [0, 429, 503];

/** Issue calls over few kept connections, one in flight on each. */
export class IssueClient {
  readonly #agent: Agent;

  constructor(
    private readonly frontUrl: string,
    private readonly connections: number,
  ) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
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
    const call = { frontUrl: this.frontUrl, couponId, userId, key: userId, agent: this.#agent };
    for (let tries = 1; ; tries += 1) {
      const answer = await callIssue({ ...call, timeoutMs: TIMEOUT_MS });
      if (!REPEATABLE.includes(answer.status) || tries === TRIES_MOST) return answer;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}
