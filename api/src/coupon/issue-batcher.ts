import type { Attempt, CouponGate } from './coupon-gate.js';
import type { CouponId, IssueOutcome, UserId } from './types.js';

export type OnOutcome = (outcome: IssueOutcome) => void;

/** What waits for the next flush, of one coupon. */
interface Lane {
  attempts: Attempt[];
  callbacks: OnOutcome[];
}

export interface BatcherOptions {
  /** Most attempts in one script call. */
  batchMax: number;
  /** Least time between two flushes, in ms. An attempt that comes later than that after the last one never waits. */
  lingerMs: number;
  /** Told of every script call, for the metrics: how many attempts it carried, how long it took in ms. */
  onBatch?: (size: number, durationMs: number) => void;
}

/**
 * Group commit: attempts that arrive together go to the gate in one call, one a coupon, so that a script call, a reply
 * and an fsync are shared.
 *
 * Idle: the first attempt flushes at the end of its turn of the event loop, together with whatever that turn brought.
 * Busy, that is less than `lingerMs` after the last flush: wait for the rest of `lingerMs`. Without that, a burst of
 * fresh connections, of which Node accepts one a turn, would make batches of one.
 * Full: a lane with `batchMax` attempts goes at once. Several calls may be in flight.
 */
export class IssueBatcher {
  #lanes = new Map<CouponId, Lane>();
  #flushing = false;
  #lastFlushMs = 0;
  #pending = 0;

  constructor(
    private readonly gate: Pick<CouponGate, 'issue'>,
    private readonly options: BatcherOptions,
  ) {}

  /** Attempts handed in whose outcome is not known yet. */
  get pending(): number {
    return this.#pending;
  }

  /** `onOutcome` is called exactly once. A callback, not a promise: this is the hot path. */
  submit(couponId: CouponId, userId: UserId, attempt: string, onOutcome: OnOutcome): void {
    this.#pending += 1;
    let lane = this.#lanes.get(couponId);
    if (!lane) this.#lanes.set(couponId, (lane = { attempts: [], callbacks: [] }));
    lane.attempts.push({ userId, attempt });
    lane.callbacks.push(onOutcome);
    if (lane.attempts.length >= this.options.batchMax) {
      this.#lanes.delete(couponId);
      void this.#send(couponId, lane);
    } else if (!this.#flushing) {
      this.#scheduleFlush();
    }
  }

  #scheduleFlush(): void {
    this.#flushing = true;
    const sinceLastMs = performance.now() - this.#lastFlushMs;
    if (sinceLastMs >= this.options.lingerMs) setImmediate(this.#flush);
    else setTimeout(this.#flush, this.options.lingerMs - sinceLastMs);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    this.#lastFlushMs = performance.now();
    const lanes = this.#lanes;
    // Not `clear()`: V8 links a cleared table to the next one, and a dead table in the old generation then keeps every
    // later batch alive over each scavenge, until a full collection (measured: 10 of 40 µs per request).
    this.#lanes = new Map();
    for (const [couponId, lane] of lanes) void this.#send(couponId, lane);
  };

  async #send(couponId: CouponId, lane: Lane): Promise<void> {
    const startMs = performance.now();
    const outcomes = await this.gate.issue(couponId, lane.attempts);
    this.options.onBatch?.(lane.attempts.length, performance.now() - startMs);
    this.#pending -= lane.attempts.length;
    // By index: entries() makes an array for each attempt.
    for (let i = 0; i < outcomes.length; i += 1) lane.callbacks[i]!(outcomes[i]!);
  }
}
