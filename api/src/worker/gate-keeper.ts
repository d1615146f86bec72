import { checkGates } from '../coupon/check-gate.js';
import { openGates, type OpenGateDeps } from '../coupon/open-gate.js';
import type { CampaignStore } from '../coupon/stores.js';
import type { CouponId } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import { pause } from './backoff.js';
import { LiveCampaigns, type LiveCampaign } from './live-campaigns.js';
import type { GateView, RedisGateOpener } from './redis-gate-opener.js';
import type { WorkerMetrics } from './worker-metrics.js';

export interface GateKeeperDeps extends Omit<OpenGateDeps, 'campaigns' | 'gates' | 'pause' | 'signal'> {
  campaigns: CampaignStore;
  gates: RedisGateOpener;
  logger: Logger;
  metrics: Pick<WorkerMetrics, 'gatesOpened' | 'staleGates'>;
}

/** Longer than it takes to claim and write what a dead worker left behind. */
export const DRAIN_WITHIN_MS = 30_000;
/** A worker whose lease has run out while MySQL was away renews it within this time. */
export const REVOKE_AFTER_MS = 3_000;

/**
 * Keeps the gates in Redis as MySQL says: opens those that are missing (fresh campaigns whose creator died half-way, and
 * everything after Redis lost its data), shuts those that belong to an old copy of Redis, and repeats updates that never
 * arrived. Every worker does it: the lock of the campaign's row makes one the owner.
 */
export class GateKeeper {
  readonly #stopping = new AbortController();
  readonly #live: LiveCampaigns;
  #running: Promise<void> | undefined;
  #failing = false;

  constructor(
    private readonly deps: GateKeeperDeps,
    private readonly checkMs: number,
  ) {
    this.#live = new LiveCampaigns(deps.campaigns);
  }

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
    await this.#live.refresh();
    const shut: CouponId[] = [];
    const unchecked: CouponId[] = [];
    for (const view of await this.deps.gates.inspect(this.#live.ids())) {
      const live = this.#live.get(view.couponId)!;
      if (view.issued === null) shut.push(view.couponId);
      else if (needsCheck(view, live)) unchecked.push(view.couponId);
      else live.highestRank = view.issued;
      if (view.issued !== null && view.revision < live.campaign.revision)
        await this.#bringUpToDate(view.couponId);
    }
    shut.push(...(await this.#check(unchecked)));
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

  /** Returns those that are shut now. */
  async #check(couponIds: readonly CouponId[]): Promise<CouponId[]> {
    if (couponIds.length === 0) return [];
    const { logger, metrics } = this.deps;
    const seen = (couponId: CouponId) => this.#live.get(couponId)?.highestRank ?? 0;
    const onStale = (couponId: CouponId, fence: object) => {
      metrics.staleGates.inc();
      logger.error(
        { couponId, mysql: fence },
        'Redis has an old copy of a gate: shut, it is opened from MySQL',
      );
    };
    const checks = await checkGates({ ...this.deps, onStale }, couponIds, seen);
    const shut: CouponId[] = [];
    for (const [couponId, { kind }] of checks) {
      const live = this.#live.get(couponId);
      if (kind === 'checked' && live) live.highestRank ??= 0;
      if (kind !== 'checked') shut.push(couponId);
    }
    return shut;
  }

  async #open(couponIds: readonly CouponId[]): Promise<void> {
    const { logger, metrics } = this.deps;
    const { signal } = this.#stopping;
    const outcomes = await openGates({ ...this.deps, pause: (ms) => pause(ms, signal), signal }, couponIds);
    for (const [couponId, outcome] of outcomes) {
      if (outcome.kind === 'notDrained')
        logger.warn({ couponId }, 'gate stays shut: its stream is not drained, or a worker holds entries');
      if (outcome.kind !== 'opened') continue;
      const live = this.#live.get(couponId);
      if (live) live.highestRank = outcome.issued;
      metrics.gatesOpened.inc({ kind: outcome.recovered ? 'recovered' : 'fresh' });
      logger.info({ couponId, issued: outcome.issued, recovered: outcome.recovered }, 'gate opened');
    }
  }

  /** Under the lock, so that it is the newest change that is repeated. */
  async #bringUpToDate(couponId: CouponId): Promise<void> {
    const { campaigns, gates, logger } = this.deps;
    await campaigns.withLocked(couponId, ({ campaign }) => gates.update(campaign));
    logger.info({ couponId }, 'gate brought in line with MySQL');
  }
}

/** On a server that has just got its data, by a process that never looked, and when the counter went back. */
const needsCheck = ({ issued, checked }: GateView, { highestRank }: LiveCampaign): boolean =>
  !checked || highestRank === null || issued! < highestRank;
