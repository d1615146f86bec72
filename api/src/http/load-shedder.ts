export interface LoadShedderOptions {
  /** A queue is standing while a good part of the requests beyond nginx's bound waited longer than this, in ms. */
  targetMs: number;
  /** So many requests of a standing queue are served all the same: a rush is not overload, load that goes on is. */
  rushMax: number;
  /** Nor is a rush longer than this: nginx would give up on its calls and send them again. In ms. */
  queueMaxMs: number;
  /** Attempts in hand beyond which everything is refused. */
  pendingMax: number;
}

/** What nginx says of a request, from its headers. */
export interface Arrival {
  /** When nginx had it, by nginx's clock, in ms since the epoch; null: it does not say. */
  startedMs: number | null;
  /** How many such requests nginx gives this replica at a time; null: this one goes beyond that, or nginx does not say. */
  bound: number | null;
}

/**
 * - `serve`
 * - `refuse`: nothing else is done for this request
 * - `refuseAndTell`: refuse, and tell nginx to refuse what goes beyond the bound until `period` (10 s of nginx's clock) is
 *   over; `isStanding`: those who wait behind this one have waited too long as well
 */
export type Decision =
  { kind: 'serve' } | { kind: 'refuse' } | { kind: 'refuseAndTell'; period: number; isStanding: boolean };

const SERVE: Decision = { kind: 'serve' };
const REFUSE: Decision = { kind: 'refuse' };

const PERIOD_MS = 10_000;
/** From this moment of a period on nginx is told of the next one. */
const TELL_NEXT_FROM_MS = 7_000;
/** Several nginx may be in front: each is told by one of the refusals, so refusals tell again, but not all of them. */
const TELL_AGAIN_MS = 100;
/** For so long after a sign of overload nginx is told of a period that it does not know of yet. */
const SIGN_HOLDS_MS = 5_000;
/** Overload is over when there was no sign of it for so long. */
const OVER_AFTER_MS = 10_000;
/** Weight of one request in the moving share of those that waited too long. */
const WEIGHT = 1 / 32;
/**
 * So many of them must have waited. Not most: a busy replica sees those on kept connections at once, again and again, and
 * few of those on new ones, who wait for long. Not one: nginx sends a call again, and then it seems to have waited.
 */
const STANDING_SHARE = 0.1;
/** A queue of a quarter of the bound in front of the handler means that all places are taken. */
const FULL_FROM = 4;
const WINDOW_MS = 1_000;
/** The least difference between both clocks is looked for in the present and the last window. */
const CLOCK_WINDOW_MS = 60_000;

/**
 * Decides whether a request is served or refused, by the time it spent in queues, as CoDel does: a long queue is no harm by
 * itself, one that stands is.
 *
 * States: *calm*, until a standing queue (see `STANDING_SHARE`) has outlasted the rush allowance; then
 * *overloaded*, until there was no sign of overload for `OVER_AFTER_MS`. Overloaded, requests beyond nginx's bound that
 * waited too long are refused, and nginx is told to refuse the next ones itself: that costs Node almost half of serving, and
 * several times as much on a new connection. Requests within the bound are served: their number is bounded already.
 *
 * That nginx refuses cannot be seen here. What can: by Little's law the waits that end within a second add up to the number
 * of requests in the queue. Above a quarter of the bound (others are with Redis or on their way) it is a sign of overload.
 * While there are signs, one request in a period is refused to tell nginx of the next one.
 */
export class LoadShedder {
  #overloaded = false;
  #waitingShare = 0;
  #lastBeyondMs = 0;
  #servedStanding = 0;
  #lastSeenMs = -Infinity;
  #busySinceMs = 0;
  #lastSignMs = 0;
  #told = 0;
  #toldMs = -Infinity;
  #windowStartMs = 0;
  #windowWaitMs = 0;
  #queueLength = 0;
  #skew = { untilMs: 0, least: Infinity, leastBefore: Infinity };

  constructor(private readonly options: LoadShedderOptions) {}

  get overloaded(): boolean {
    return this.#overloaded;
  }

  /** Time in queue of a request that is handled at `nowMs`; 0 when nobody says when it began. */
  measureWait({ startedMs }: Arrival, nowMs: number): number {
    if (startedMs === null) return 0;
    const difference = nowMs - startedMs;
    const skew = this.#skew;
    if (nowMs >= skew.untilMs) {
      // Not while a queue stands: its wait would pass for a difference of the clocks.
      if (!this.#overloaded) {
        skew.leastBefore = skew.least;
        skew.least = Infinity;
      }
      skew.untilMs = nowMs + CLOCK_WINDOW_MS;
    }
    if (difference < skew.least) skew.least = difference;
    return difference - Math.min(skew.least, skew.leastBefore);
  }

  /** `waitMs` from `measureWait`; `pending`: attempts in hand whose outcome is not known yet. */
  decide(arrival: Arrival, waitMs: number, nowMs: number, pending: number): Decision {
    this.#observe(arrival, waitMs, nowMs);
    if (pending >= this.options.pendingMax) return REFUSE;
    if (!this.#overloaded || arrival.startedMs === null) return SERVE;
    const boundIsFull = arrival.bound !== null && this.#queueLength > arrival.bound / FULL_FROM;
    const refused = arrival.bound === null && waitMs > this.options.targetMs && this.#isStanding();
    if (boundIsFull || refused) this.#lastSignMs = nowMs;
    if (nowMs - this.#lastSignMs > OVER_AFTER_MS) {
      this.#overloaded = false;
      this.#servedStanding = 0;
      return SERVE;
    }
    // The present by nginx's clock, not the moment the request came: nginx looks for a note of now.
    const period = this.#periodToTell(arrival.startedMs + waitMs);
    const isNews = period > this.#told && nowMs - this.#lastSignMs <= SIGN_HOLDS_MS;
    const isDue = refused && nowMs - this.#toldMs >= TELL_AGAIN_MS;
    // nginx may have given up on a request that waited for too long, and what it is told would be lost.
    if ((isNews || isDue) && waitMs <= this.options.queueMaxMs) {
      this.#told = Math.max(this.#told, period);
      this.#toldMs = nowMs;
      return { kind: 'refuseAndTell', period, isStanding: this.#isStanding() };
    }
    return refused ? REFUSE : SERVE;
  }

  /** The period of `nginxMs`; the next one when that is near and this one was told. */
  #periodToTell(nginxMs: number): number {
    const period = Math.floor(nginxMs / PERIOD_MS);
    return nginxMs % PERIOD_MS >= TELL_NEXT_FROM_MS && this.#told >= period ? period + 1 : period;
  }

  #isStanding(): boolean {
    return this.#waitingShare > STANDING_SHARE;
  }

  #observe({ bound }: Arrival, waitMs: number, nowMs: number): void {
    const { targetMs, rushMax, queueMaxMs } = this.options;
    if (nowMs - this.#lastSeenMs > WINDOW_MS) this.#busySinceMs = nowMs;
    this.#lastSeenMs = nowMs;
    // Calls within the bound are no sign of a queue: they are few at a time and wait little, whatever goes on beyond.
    if (bound === null) {
      this.#waitingShare += ((waitMs > targetMs ? 1 : 0) - this.#waitingShare) * WEIGHT;
      this.#lastBeyondMs = nowMs;
    } else if (nowMs - this.#lastBeyondMs > WINDOW_MS) {
      this.#waitingShare = 0;
    }
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#queueLength = this.#windowWaitMs / (nowMs - this.#windowStartMs);
      this.#windowStartMs = nowMs;
      this.#windowWaitMs = 0;
    }
    this.#windowWaitMs += waitMs;
    if (!this.#isStanding()) {
      this.#servedStanding = 0;
      return;
    }
    this.#servedStanding += 1;
    // A process that stood still finds long waits at once: that is no queue that grew, and it is gone in a moment.
    const grewTooLong = waitMs > queueMaxMs && nowMs - this.#busySinceMs >= WINDOW_MS;
    if (!this.#overloaded && (this.#servedStanding > rushMax || grewTooLong)) {
      this.#overloaded = true;
      this.#lastSignMs = nowMs;
    }
  }
}
