import type { CouponGate } from './ports.js';
import type { Attempt, CouponId, IssueOutcome, UserId } from './types.js';

export type OnOutcome = (outcome: IssueOutcome) => void;

/** Who waits for the outcome: Node's `ServerResponse` has this shape. */
export interface Caller {
  /** The connection is closed. */
  readonly destroyed: boolean;
  /** Of the connection: the caller has ended its side, which Node answers by closing. Null once it is answered. */
  readonly socket: { readonly readableEnded: boolean } | null;
}

const isGone = ({ destroyed, socket }: Caller): boolean => destroyed || (socket?.readableEnded ?? false);

/** What waits for the next flush, of one coupon. */
interface Lane {
  attempts: Attempt[];
  callers: Caller[];
  callbacks: OnOutcome[];
}

interface BatcherOptions {
  /** Most attempts in one script call. */
  batchMax: number;
  /** Longest time a batch is held back while each turn of the event loop brings more, in ms. */
  lingerMs: number;
  /** Told of every script call, for the metrics: how many attempts it carried, how long it took in ms. */
  onBatch?: (size: number, durationMs: number) => void;
  /** Told how many attempts of a batch were left out because their callers had gone. */
  onAbandoned?: (count: number) => void;
}

/**
 * Group commit: attempts that arrive together go to the gate in one call, one a coupon, so that a script call, a reply
 * and an fsync are shared.
 *
 * A batch grows while each turn of the event loop brings more of it, for `lingerMs` at most: it goes after the first turn
 * that brought nothing. So an idle replica holds nothing back, and a burst of fresh connections, of which Node accepts one
 * a turn, does not make batches of one (compared with a fixed pause between flushes in docs/performance.md, target 13).
 * Full: a lane with `batchMax` attempts goes at once. Several calls may be in flight.
 *
 * An attempt whose caller has gone by then is not sent: a coupon would be decided for nobody, while others wait.
 */
export class IssueBatcher {
  #lanes = new Map<CouponId, Lane>();
  #collecting = false;
  #arrivedThisTurn = false;
  #collectUntilMs = 0;
  #pending = 0;

  constructor(
    private readonly gate: Pick<CouponGate, 'issue'>,
    private readonly options: BatcherOptions,
  ) {}

  /** Attempts handed in whose outcome is not known yet. */
  get pending(): number {
    return this.#pending;
  }

  /** `onOutcome` is called once, or never when the caller goes. A callback, not a promise: this is the hot path. */
  submit(
    couponId: CouponId,
    userId: UserId,
    fingerprint: string,
    caller: Caller,
    onOutcome: OnOutcome,
  ): void {
    this.#pending += 1;
    let lane = this.#lanes.get(couponId);
    if (!lane) this.#lanes.set(couponId, (lane = { attempts: [], callers: [], callbacks: [] }));
    lane.attempts.push({ userId, fingerprint });
    lane.callers.push(caller);
    lane.callbacks.push(onOutcome);
    this.#arrivedThisTurn = true;
    if (lane.attempts.length >= this.options.batchMax) {
      this.#lanes.delete(couponId);
      void this.#send(couponId, lane);
    } else if (!this.#collecting) {
      this.#collecting = true;
      this.#collectUntilMs = performance.now() + this.options.lingerMs;
      setImmediate(this.#collect);
    }
  }

  readonly #collect = (): void => {
    if (this.#arrivedThisTurn && performance.now() < this.#collectUntilMs) {
      this.#arrivedThisTurn = false;
      setImmediate(this.#collect);
    } else {
      this.#collecting = false;
      this.#flush();
    }
  };

  #flush(): void {
    const lanes = this.#lanes;
    // Not `clear()`: V8 links a cleared table to the next one, and a dead table in the old generation then keeps every
    // later batch alive over each scavenge, until a full collection (measured: 9 of 41 µs per request).
    this.#lanes = new Map();
    for (const [couponId, lane] of lanes) void this.#send(couponId, lane);
  }

  async #send(couponId: CouponId, submitted: Lane): Promise<void> {
    const lane = this.#withoutGone(submitted);
    if (lane.attempts.length === 0) return;
    const startMs = performance.now();
    const outcomes = await this.gate.issue(couponId, lane.attempts);
    this.options.onBatch?.(lane.attempts.length, performance.now() - startMs);
    this.#pending -= lane.attempts.length;
    // By index: entries() makes an array for each attempt.
    for (let i = 0; i < outcomes.length; i += 1) lane.callbacks[i]!(outcomes[i]!);
  }

  /** The same lane when nobody has gone, which is nearly always. */
  #withoutGone(lane: Lane): Lane {
    if (!lane.callers.some(isGone)) return lane;
    const isThere = lane.callers.map((caller) => !isGone(caller));
    const kept: Lane = {
      attempts: lane.attempts.filter((_, i) => isThere[i]),
      callers: lane.callers.filter((_, i) => isThere[i]),
      callbacks: lane.callbacks.filter((_, i) => isThere[i]),
    };
    const count = lane.attempts.length - kept.attempts.length;
    this.#pending -= count;
    this.options.onAbandoned?.(count);
    return kept;
  }
}
