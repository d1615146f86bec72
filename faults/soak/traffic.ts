import { Agent } from 'node:http';
import { AdminClient } from '../../loadtest/admin-client.js';
import type { Stack } from '../../stack/types.js';
import { call } from '../client/call.js';
import type { Random } from '../../common/random.js';

const CAMPAIGNS = 40;
const STOCK = { least: 500, most: 4_000 };
const RECENT_MOST = 5_000;
const TIMEOUT_MS = 10_000;
const SOCKETS_MOST = 512;

interface Campaign {
  couponId: number;
  soldOut: boolean;
  /** Clients told 200 for a new coupon. */
  told: number;
}

interface Recent {
  couponId: number;
  userId: string;
  key: string;
}

interface Plan {
  kind: string;
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  expected: readonly number[];
  onAnswer?: (status: number, replayed: boolean) => void;
}

/** What many campaigns get on an ordinary day: mostly new users, some who ask twice, some who only look, some nonsense. */
export class SoakTraffic {
  readonly campaigns: Campaign[] = [];
  readonly statuses: Record<string, number> = {};
  readonly surprises: string[] = [];
  #latencies: number[] = [];
  #users = 0;
  #replacing = 0;
  readonly #recent: Recent[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MOST });
  readonly #admin: AdminClient;

  constructor(
    private readonly stack: Stack,
    private readonly random: Random,
  ) {
    this.#admin = new AdminClient(stack);
  }

  async begin(): Promise<void> {
    for (let i = 0; i < CAMPAIGNS; i += 1) await this.#newCampaign();
  }

  /** Latencies since the last call, in ms. */
  takeLatencies(): number[] {
    const taken = this.#latencies;
    this.#latencies = [];
    return taken;
  }

  end(): void {
    this.#agent.destroy();
  }

  /** One call; resolves when it is answered or failed. */
  async call(): Promise<void> {
    const plan = this.#plan();
    const startedAt = performance.now();
    const { path, method, headers } = plan;
    const url = `${this.stack.frontUrl}${path}`;
    const answer = await call({ url, method, headers, agent: this.#agent, timeoutMs: TIMEOUT_MS });
    const { status, replayed } = answer;
    this.#latencies.push(performance.now() - startedAt);
    const name = `${plan.kind} ${status}`;
    this.statuses[name] = (this.statuses[name] ?? 0) + 1;
    if (!plan.expected.includes(status) && this.surprises.length < 20)
      this.surprises.push(`${plan.kind}: ${status}`);
    plan.onAnswer?.(status, replayed);
  }

  async #newCampaign(): Promise<void> {
    const total = this.random.between(STOCK.least, STOCK.most);
    const couponId = await this.#admin.createCampaign('soak', total);
    this.campaigns.push({ couponId, soldOut: false, told: 0 });
  }

  #plan(): Plan {
    const { random } = this;
    const share = random.next();
    const known = this.#recent.length > 0 ? random.pick(this.#recent) : null;
    if (share < 0.72 || !known) return this.#newUser();
    if (share < 0.78) return issue('replay', known.couponId, known.userId, known.key, [200]);
    if (share < 0.86) return issue('again', known.couponId, known.userId, `${known.key}x`, [409]);
    if (share < 0.91) return read('coupon', `/api/v1/coupons/${known.couponId}`, {});
    if (share < 0.95) return read('my coupons', '/api/v1/users/me/coupons', { 'x-user-id': known.userId });
    if (share < 0.97)
      return issue('no such coupon', 1_900_000_000 + random.between(0, 5_000), 'nobody', 'k', [404]);
    if (share < 0.985) return issue('bad user', known.couponId, 'u'.repeat(65), 'k', [400]);
    return this.#soldOutCampaign(known);
  }

  #newUser(): Plan {
    const open = this.campaigns.filter(({ soldOut }) => !soldOut);
    const campaign = this.random.pick(open.length > 0 ? open : this.campaigns);
    const userId = `s${(this.#users += 1)}`;
    const plan = issue('new user', campaign.couponId, userId, userId, [200, 410]);
    const onAnswer = (status: number, replayed: boolean) => {
      if (status === 200 && !replayed) {
        campaign.told += 1;
        this.#remember({ couponId: campaign.couponId, userId, key: userId });
      } else if (status === 410 && !campaign.soldOut) {
        campaign.soldOut = true;
        this.#replace();
      }
    };
    return { ...plan, onAnswer };
  }

  #soldOutCampaign(known: Recent): Plan {
    const over = this.campaigns.filter(({ soldOut }) => soldOut).slice(-CAMPAIGNS);
    if (over.length === 0) return read('coupon', `/api/v1/coupons/${known.couponId}`, {});
    const { couponId } = this.random.pick(over);
    return issue('sold out', couponId, `late${(this.#users += 1)}`, 'k', [410]);
  }

  #replace(): void {
    this.#replacing += 1;
    void this.#newCampaign()
      .catch((err: unknown) => this.surprises.push(`a campaign could not be made: ${String(err)}`))
      .finally(() => (this.#replacing -= 1));
  }

  #remember(recent: Recent): void {
    if (this.#recent.length < RECENT_MOST) this.#recent.push(recent);
    else this.#recent[this.random.between(0, RECENT_MOST - 1)] = recent;
  }
}

const issue = (
  kind: string,
  couponId: number,
  userId: string,
  key: string,
  expected: readonly number[],
): Plan => ({
  kind,
  method: 'POST',
  path: `/api/v1/coupons/call/${couponId}`,
  headers: { 'x-user-id': userId, 'idempotency-key': key },
  expected,
});

const read = (kind: string, path: string, headers: Record<string, string>): Plan => ({
  kind,
  method: 'GET',
  path,
  headers,
  expected: [200],
});
