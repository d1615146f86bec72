import { Pool } from 'undici';
import type { Answer, Attempt } from '../../loadtest/client-log.js';

const TICK_MS = 20;
/** More than the slowest way to an answer: two passes of nginx, each with a replica that hangs. */
const TIMEOUT_MS = 40_000;
const CONNECTIONS = 256;
/** k6's codes for "no answer in time" and "connection broken", which the audit knows. */
const TIMED_OUT = 1050;
const BROKEN = 1220;

const isTimeout = (err: unknown): boolean =>
  err instanceof Error && /TIMEOUT/.test((err as NodeJS.ErrnoException).code ?? '');

/** Issue calls of ever new users against the front door: each of them must get a 200, whatever happens behind it. */
export class Traffic {
  readonly attempts: Attempt[] = [];
  readonly #pool: Pool;
  readonly #pending = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    frontUrl: string,
    readonly couponId: number,
    private readonly namePrefix: string,
  ) {
    this.#pool = new Pool(frontUrl, {
      connections: CONNECTIONS,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
  }

  get answered(): number {
    return this.attempts.length - this.#pending.size;
  }

  /** An open model: the next call does not wait for the answer to the one before. */
  start(perSecond: number): void {
    let due = 0;
    this.#timer = setInterval(() => {
      for (due += (perSecond * TICK_MS) / 1_000; due >= 1; due -= 1) this.#send();
    }, TICK_MS);
  }

  /** Sends `count` calls at once. */
  burst(count: number): void {
    for (let i = 0; i < count; i += 1) this.#send();
  }

  /** Resolves when every call under way has its answer. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.settle();
    await this.#pool.close();
  }

  #send(): void {
    const attempt: Attempt = {
      userId: `${this.namePrefix}-${this.attempts.length + 1}`,
      key: null,
      sentMs: Date.now(),
      answer: null,
    };
    this.attempts.push(attempt);
    const call = this.#call(attempt.userId, performance.now()).then((answer) => {
      attempt.answer = answer;
      this.#pending.delete(call);
    });
    this.#pending.add(call);
  }

  async #call(userId: string, startedAt: number): Promise<Answer> {
    const durationMs = () => Math.round(performance.now() - startedAt);
    try {
      const path = `/api/v1/coupons/call/${this.couponId}`;
      const { statusCode, headers, body } = await this.#pool.request({
        method: 'POST',
        path,
        headers: { 'x-user-id': userId },
      });
      const content = (await body.json()) as { rank?: number; code?: string };
      return {
        status: statusCode,
        rank: content.rank ?? null,
        durationMs: durationMs(),
        errorCode: 0,
        replayed: headers['idempotency-replayed'] === 'true',
        code: content.code ?? null,
      };
    } catch (err) {
      const errorCode = isTimeout(err) ? TIMED_OUT : BROKEN;
      return { status: 0, rank: null, durationMs: durationMs(), errorCode, replayed: false, code: null };
    }
  }
}

export interface Tally {
  readonly sent: number;
  readonly issued: number;
  /** A 200 that was the replay of an earlier try: nginx had passed the call on. */
  readonly replayed: number;
  readonly slowestMs: number;
  /** What was not a 200: status and code, and how often. Status 0 is a broken connection or no answer. */
  readonly failed: Readonly<Record<string, number>>;
}

export function tally(attempts: readonly Attempt[]): Tally {
  const failed: Record<string, number> = {};
  let [issued, replayed, slowestMs] = [0, 0, 0];
  for (const { answer } of attempts) {
    slowestMs = Math.max(slowestMs, answer?.durationMs ?? 0);
    if (answer?.status === 200) {
      issued += 1;
      if (answer.replayed) replayed += 1;
      continue;
    }
    const kind = answer ? `${answer.status} ${answer.code ?? answer.errorCode}` : 'unanswered';
    failed[kind] = (failed[kind] ?? 0) + 1;
  }
  return { sent: attempts.length, issued, replayed, slowestMs, failed };
}
