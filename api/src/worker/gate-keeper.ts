import { openGates, type OpenGateDeps } from '../coupon/open-gate.js';
import type { CampaignStore } from '../coupon/stores.js';
import type { CouponId } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import { pause } from './backoff.js';
import type { RedisGateOpener } from './redis-gate-opener.js';
import type { WorkerMetrics } from './worker-metrics.js';

export interface GateKeeperDeps extends Omit<OpenGateDeps, 'campaigns' | 'gates' | 'pause' | 'signal'> {
  campaigns: CampaignStore;
  gates: RedisGateOpener;
  logger: Logger;
  metrics: Pick<WorkerMetrics, 'gatesOpened'>;
}

/** Winners are told that they won, and others that it is over, for so long after the end even if Redis loses its data. */
export const KEEP_AFTER_END_MS = 7 * 24 * 3_600_000;
const PAGE = 500;

/** A batch another worker has read but not yet begun to write when Redis loses its data is in MySQL after this time. */
export const SETTLE_MS = 2_000;
/** Longer than it takes to claim and write what a dead worker left behind. */
export const DRAIN_WITHIN_MS = 30_000;

/**
 * Keeps the gates in Redis as MySQL says: opens those that are missing (fresh campaigns whose creator died half-way, and
 * everything after Redis lost its data), and repeats updates that never arrived. Every worker does it: the lock of the
 * campaign's row makes one the owner.
 */
export class GateKeeper {
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #failing = false;

  constructor(
    private readonly deps: GateKeeperDeps,
    private readonly checkMs: number,
  ) {}

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** False while Redis or the database keeps it from checking. */
  get isHealthy(): boolean {
    return this.#running !== undefined && !this.#failing;
  }

  /** One comparison of everything. Throws when MySQL or Redis cannot be asked. */
  async check(): Promise<void> {
    const { campaigns, gates } = this.deps;
    const endedAfter = new Date(Date.now() - KEEP_AFTER_END_MS);
    const shut: CouponId[] = [];
    for (let afterId = 0; ;) {
      const page = await campaigns.listLive({ afterId, limit: PAGE, endedAfter });
      const found = await gates.inspect(page);
      shut.push(...found.shut);
      for (const couponId of found.behind) await this.#bringUpToDate(couponId);
      if (page.length < PAGE) break;
      afterId = page.at(-1)!.id;
    }
    if (shut.length > 0) await this.#open(shut);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.check();
        if (this.#failing) this.deps.logger.info('gates are being kept again');
        this.#failing = false;
      } catch (err) {
        if (!this.#failing) this.deps.logger.warn({ err }, 'gates cannot be kept');
        this.#failing = true;
      }
      await pause(this.checkMs, signal);
    }
  }

  async #open(couponIds: readonly CouponId[]): Promise<void> {
    const { logger, metrics } = this.deps;
    const { signal } = this.#stopping;
    const outcomes = await openGates({ ...this.deps, pause: (ms) => pause(ms, signal), signal }, couponIds);
    for (const [couponId, outcome] of outcomes) {
      if (outcome.kind === 'notDrained')
        logger.warn({ couponId }, 'gate stays shut: its stream is not drained');
      if (outcome.kind !== 'opened') continue;
      metrics.gatesOpened.inc({ kind: outcome.recovered ? 'recovered' : 'fresh' });
      logger.info({ couponId, issued: outcome.issued, recovered: outcome.recovered }, 'gate opened');
    }
  }

  /** Under the lock, so that no newer change is overtaken by the one repeated here. */
  async #bringUpToDate(couponId: CouponId): Promise<void> {
    const { campaigns, gates, logger } = this.deps;
    await campaigns.withLocked(couponId, ({ campaign }) => gates.update(campaign));
    logger.info({ couponId }, 'gate brought in line with MySQL');
  }
}
