import type { CampaignStore, DeadLetterStore, IssuedStore } from '../coupon/ports.js';
import type { Campaign, CouponId } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import type { RedisGateOpener } from '../redis/redis-gate-opener.js';
import { pause } from './repeat.js';
import type { WorkerMetrics } from './worker-metrics.js';

interface ArchiverDeps {
  campaigns: Pick<CampaignStore, 'findExisting' | 'listArchivable' | 'withLocked'>;
  issued: Pick<IssuedStore, 'countByCoupon'>;
  letters: Pick<DeadLetterStore, 'countByCoupon'>;
  gates: RedisGateOpener;
  logger: Logger;
  metrics: Pick<WorkerMetrics, 'archived'>;
}

/** Campaigns in one slice: between two of them others get their turn. */
const SLICE = 50;
const PAUSE_MS = 50;
/** Coupons in one query. */
const FIND_MOST = 500;
/** Longer, and the campaign is left for the next time: its partition is busy. */
const DRAINED_WITHIN_MS = 2_000;
const CHECK_MOST_MS = 60_000;
const CHECK_LEAST_MS = 250;
const NEVER = new AbortController().signal;

/** How often to look, when campaigns stay for `afterMs`. */
export const chooseArchiveInterval = (afterMs: number): number =>
  Math.min(CHECK_MOST_MS, Math.max(CHECK_LEAST_MS, afterMs / 2));

/**
 * Takes campaigns that have been over for long out of Redis, so that its memory does not grow with every campaign there
 * ever was. From then on the API answers from MySQL. One that cannot be archived (a dead letter, a winner that MySQL does not
 * have) stays in Redis, and the log says why.
 */
export class Archiver {
  /** Said once, not at every look. */
  readonly #refused = new Set<CouponId>();
  #hasRemovedLeftOvers = false;

  constructor(
    private readonly deps: ArchiverDeps,
    /** How long a campaign stays in Redis after it is over. */
    private readonly afterMs: number,
  ) {}

  /** Archives everything that can be. Returns how many campaigns. Throws when MySQL or Redis cannot be asked. */
  async archiveAll(signal = NEVER): Promise<number> {
    if (!this.#hasRemovedLeftOvers) await this.#removeLeftOvers(signal);
    let archived = 0;
    for (;;) {
      const found = await this.deps.campaigns.listArchivable(
        new Date(Date.now() - this.afterMs),
        SLICE + this.#refused.size,
      );
      let archivedNow = 0;
      for (const couponId of found) {
        if (signal.aborted) return archived;
        if (await this.#archive(couponId, signal)) archivedNow += 1;
      }
      archived += archivedNow;
      if (archivedNow === 0 || found.length < SLICE) return archived;
      await pause(PAUSE_MS, signal);
    }
  }

  /** Asked once more under the lock: the stock may have been raised, or the end put off. */
  async #isOver({ id, closedAt, closesAt, total }: Campaign): Promise<boolean> {
    const before = new Date(Date.now() - this.afterMs);
    if ((closedAt && closedAt < before) || (closesAt && closesAt < before)) return true;
    const [view] = await this.deps.gates.inspect([id]);
    return (view?.issued ?? 0) >= total;
  }

  /** Of campaigns whose worker died after MySQL had archived them: once a process, before anything else. */
  async #removeLeftOvers(signal: AbortSignal): Promise<void> {
    const registered = await this.deps.gates.listRegistered();
    for (let start = 0; start < registered.length && !signal.aborted; start += FIND_MOST) {
      const existing = await this.deps.campaigns.findExisting(registered.slice(start, start + FIND_MOST));
      for (const [couponId, state] of existing) if (state !== 'live') await this.#removeGate(couponId);
    }
    this.#hasRemovedLeftOvers = !signal.aborted;
  }

  /** Unless the campaign goes on, because its stock was raised in the meantime. */
  async #removeGate(couponId: CouponId): Promise<void> {
    await this.deps.campaigns.withLocked(couponId, async ({ campaign }) => {
      if (campaign.archivedAt) await this.deps.gates.remove(couponId);
    });
  }

  /**
   * Under the lock of the campaign's row: no gate is opened and no drain statement is in flight meanwhile. MySQL first: as long
   * as it has not committed, the gate answers, and nobody finds neither.
   */
  async #archive(couponId: CouponId, signal: AbortSignal): Promise<boolean> {
    const { campaigns, issued, letters, gates, logger, metrics } = this.deps;
    if (!(await gates.waitUntilDrained([couponId], DRAINED_WITHIN_MS, signal))) return false;
    const done = await campaigns.withLocked(couponId, async (locked) => {
      if (locked.campaign.archivedAt) return true;
      if (!(await this.#isOver(locked.campaign))) return false;
      const [{ winners }, persisted, deadLetters] = await Promise.all([
        gates.count(couponId),
        issued.countByCoupon(couponId),
        letters.countByCoupon(couponId),
      ]);
      if (winners > persisted || deadLetters > 0) {
        if (!this.#refused.has(couponId))
          logger.warn(
            { couponId, winners, persisted, deadLetters },
            'not archived: MySQL does not have all of it',
          );
        this.#refused.add(couponId);
        return false;
      }
      await locked.archive();
      return true;
    });
    if (!done) return false;
    await this.#removeGate(couponId);
    this.#refused.delete(couponId);
    metrics.archived.inc();
    return true;
  }
}
