import { Agent } from 'node:http';
import { Random } from '../../common/random.js';
import { callIssue } from './call.js';
import type { ClientOptions, ClientReport } from './protocol.js';

const TICK_MS = 10;
const TIMEOUT_MS = 10_000;
/** First pause before the same call is repeated, and the longest, both without their share of chance. */
const RETRY_FIRST_MS = 200;
const RETRY_MOST_MS = 1_500;
/** Users waiting for a definite answer at once: more do not begin, so that an outage does not become a flood. */
const WAITING_MOST = 4_000;
const SOCKETS_MOST = 2_000;
/** How long a user goes on after no more users come. */
const GIVE_UP_MS = 60_000;

const isDefinite = (status: number): boolean =>
  status >= 200 && status < 500 && status !== 429 && status !== 408;

/**
 * An open model: users come at a rate, whatever the answers are. Each repeats its call with the same attempt key until
 * it has a definite answer. Every try is written down before it is sent (`>`), and what came of it (`<`): the format of
 * loadtest/client-log.ts.
 */
export class OpenClient {
  readonly #random: Random;
  readonly #kept = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_MOST,
    maxFreeSockets: 256,
    scheduling: 'fifo',
  });
  readonly #fresh = new Agent({ keepAlive: false, maxSockets: SOCKETS_MOST });
  readonly #users = new Set<Promise<void>>();
  #rate: number;
  #began = 0;
  #decided = 0;
  #failedTries = 0;
  #undecided = 0;
  #skipped = 0;
  #giveUpAtMs = Infinity;
  #finished = false;

  constructor(
    private readonly options: ClientOptions,
    private readonly writeLine: (line: string) => void,
  ) {
    const { hostname } = new URL(options.frontUrl);
    if (!['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
      throw new Error(`only this machine, not ${hostname}`);
    this.#random = new Random(options.seed);
    this.#rate = options.rate;
  }

  get report(): ClientReport {
    return {
      began: this.#began,
      decided: this.#decided,
      failedTries: this.#failedTries,
      undecided: this.#undecided,
      skipped: this.#skipped,
      finished: this.#finished,
    };
  }

  set rate(perSecond: number) {
    this.#rate = perSecond;
  }

  /** Resolves when the last user has its answer or gave up. */
  async run(untilFinish: Promise<void>): Promise<void> {
    let due = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      const nowMs = performance.now();
      due = Math.min(due + ((nowMs - lastMs) * this.#rate) / 1_000, this.#rate);
      lastMs = nowMs;
      for (; due >= 1; due -= 1) this.#begin();
    }, TICK_MS);
    await untilFinish;
    clearInterval(timer);
    this.#giveUpAtMs = Date.now() + GIVE_UP_MS;
    while (this.#users.size > 0) await Promise.all(this.#users);
    this.#finished = true;
    this.#kept.destroy();
    this.#fresh.destroy();
  }

  #begin(): void {
    if (this.#began >= this.options.maxUsers) return;
    if (this.#users.size >= WAITING_MOST) {
      this.#skipped += 1;
      return;
    }
    this.#began += 1;
    const user = this.#askAsUser(`${this.options.userPrefix}${this.#began}`).finally(() =>
      this.#users.delete(user),
    );
    this.#users.add(user);
  }

  async #askAsUser(userId: string): Promise<void> {
    const random = this.#random;
    const agent = random.chance(this.options.freshShare) ? this.#fresh : this.#kept;
    const again = random.chance(this.options.secondTryShare)
      ? random.pick(['sameKey', 'otherKey'] as const)
      : 'no';
    const status = await this.#untilDefinite(userId, 'a', agent);
    if (status === null) return;
    this.#decided += 1;
    // Who was refused has nothing to ask again about: the stock may be raised in between.
    if (again === 'no' || status !== 200) return;
    await this.#untilDefinite(userId, again === 'sameKey' ? 'a' : 'b', agent);
  }

  /** The status of the definite answer; null: gave up. */
  async #untilDefinite(userId: string, which: string, agent: Agent): Promise<number | null> {
    const { frontUrl, couponId } = this.options;
    const key = `${userId}.${which}`;
    for (let attempt = 0; ; attempt += 1) {
      const [sentMs, begunMs] = [Date.now(), performance.now()];
      this.writeLine(`> ${userId} ${key} ${sentMs}`);
      const answer = await callIssue({ frontUrl, couponId, agent, userId, key, timeoutMs: TIMEOUT_MS });
      // From the time above on, writing included, and rounded up: nobody was told before the end that a history has.
      const durationMs = Math.ceil(performance.now() - begunMs);
      const { status, rank, errorCode, replayed, code, issuedAtMs } = answer;
      this.writeLine(
        `< ${userId} ${key} ${sentMs} ${status} ${rank ?? '-'} ${durationMs} ${errorCode} ${replayed ? 1 : 0} ${code ?? '-'} ${issuedAtMs ?? '-'}`,
      );
      if (isDefinite(status)) {
        return status;
      }
      this.#failedTries += 1;
      if (Date.now() >= this.#giveUpAtMs) {
        this.#undecided += 1;
        return null;
      }
      const pauseMs = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt, 8));
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
    }
  }
}
