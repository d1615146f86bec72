import type { CouponId, Existing } from './types.js';

/** Which of these coupons exist. Throws when the database cannot be asked. */
type FindExisting = (couponIds: readonly CouponId[]) => Promise<ReadonlyMap<CouponId, Existing>>;

type Existence = Existing | 'unknown' | 'cannotTell';
type Lasting = Exclude<Existence, 'live' | 'cannotTell'>;

type Waiting = Map<CouponId, ((existence: Existence) => void)[]>;

interface DirectoryOptions {
  /** How long an answer is believed, in ms: long enough to keep made-up ids away, short enough for a new campaign. */
  rememberMs: number;
  /** Most ids remembered, and most ids asked in one query. */
  rememberMax: number;
  queryMax: number;
  now?: () => number;
}

/**
 * Tells an unknown coupon from one whose gate is shut. Only the database can say unknown. Made-up ids cannot reach it in
 * numbers: at most one query is under way, it carries every id that waits, and what will not change soon is remembered briefly.
 * `live` is not: such a coupon may be archived in the next moment, and would be taken for one whose gate is shut.
 */
export class CouponDirectory {
  readonly #remembered = new Map<CouponId, { existence: Lasting; untilMs: number }>();
  #waiting: Waiting = new Map();
  #isAsking = false;
  readonly #now: () => number;

  constructor(
    private readonly findExisting: FindExisting,
    private readonly options: DirectoryOptions,
  ) {
    this.#now = options.now ?? Date.now;
  }

  /** True when the database said so a moment ago: such an id need not even reach Redis. */
  isKnownUnknown(couponId: CouponId): boolean {
    if (this.#remembered.size === 0) return false;
    return this.#recall(couponId) === 'unknown';
  }

  /**
   * What the database says from now on: a query that is under way may have read too early. Never throws. `cannotTell`: the database
   * does not answer, or too many ids wait for it.
   */
  lookUp(couponId: CouponId): Promise<Existence> {
    const recalled = this.#recall(couponId);
    if (recalled) return Promise.resolve(recalled);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(couponId);
      if (waiting) waiting.push(resolve);
      else if (this.#waiting.size >= this.options.queryMax) resolve('cannotTell');
      else this.#waiting.set(couponId, [resolve]);
      if (!this.#isAsking) void this.#askUntilNobodyWaits();
    });
  }

  /** What the database said a moment ago of a coupon that was archived: it need not reach Redis either. */
  recallArchived(couponId: CouponId): 'archivedEnded' | 'archivedSoldOut' | undefined {
    if (this.#remembered.size === 0) return undefined;
    const existence = this.#recall(couponId);
    return existence === 'unknown' ? undefined : existence;
  }

  #recall(couponId: CouponId): Lasting | undefined {
    const entry = this.#remembered.get(couponId);
    if (!entry) return undefined;
    if (entry.untilMs > this.#now()) return entry.existence;
    this.#remembered.delete(couponId);
    return undefined;
  }

  async #askUntilNobodyWaits(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.size > 0) {
      const asked = this.#waiting;
      this.#waiting = new Map();
      const existing = await this.findExisting([...asked.keys()]).catch(() => null);
      for (const [couponId, resolvers] of asked) {
        const existence = existing ? (existing.get(couponId) ?? 'unknown') : 'cannotTell';
        if (existence !== 'live' && existence !== 'cannotTell') {
          this.#remember(couponId, existence);
          // True for those who came meanwhile too.
          resolvers.push(...(this.#waiting.get(couponId) ?? []));
          this.#waiting.delete(couponId);
        }
        for (const resolve of resolvers) resolve(existence);
      }
    }
    this.#isAsking = false;
  }

  #remember(couponId: CouponId, existence: Lasting): void {
    if (this.#remembered.size >= this.options.rememberMax) {
      // Maps keep insertion order: the first key is the oldest.
      this.#remembered.delete(this.#remembered.keys().next().value!);
    }
    this.#remembered.set(couponId, { existence, untilMs: this.#now() + this.options.rememberMs });
  }
}
