import { checkGates } from '../coupon/check-gate.js';
import { openGates, type OpenGateDeps } from '../coupon/open-gate.js';
import type { CampaignStore } from '../coupon/ports.js';
import type { CouponId } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import { LiveCampaigns, type KnownCampaign } from './live-campaigns.js';
import type { GateView, RedisGateOpener } from '../redis/redis-gate-opener.js';
import type { WorkerMetrics } from './worker-metrics.js';

interface GateKeeperDeps extends Omit<OpenGateDeps, 'campaigns' | 'gates' | 'signal'> {
  campaigns: CampaignStore;
  gates: RedisGateOpener;
  logger: Logger;
  metrics: Pick<WorkerMetrics, 'gatesOpened' | 'staleGates'>;
}

/**
 * Keeps the gates in Redis as MySQL says: opens those that are missing (fresh campaigns whose creator died half-way, and
 * everything after Redis lost its data), shuts those that belong to an old copy of Redis, and repeats updates that never
 * arrived. Every worker does it: the lock of the campaign's row makes one the owner.
 */
export class GateKeeper {
  readonly #live: LiveCampaigns;

  constructor(private readonly deps: GateKeeperDeps) {
    this.#live = new LiveCampaigns(deps.campaigns);
  }

  /** One comparison of everything; the signal ends its waiting early. Throws when MySQL or Redis cannot be asked. */
  async check(signal?: AbortSignal): Promise<void> {
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
    shut.push(...(await this.#findShut(unchecked)));
    if (shut.length > 0) await this.#open(shut, signal);
  }

  /** Compares these with MySQL. Returns those that are shut now. */
  async #findShut(couponIds: readonly CouponId[]): Promise<CouponId[]> {
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

  async #open(couponIds: readonly CouponId[], signal?: AbortSignal): Promise<void> {
    const { logger, metrics } = this.deps;
    const outcomes = await openGates({ ...this.deps, ...(signal && { signal }) }, couponIds);
    for (const [couponId, outcome] of outcomes) {
      if (outcome.kind === 'notDrained')
        logger.warn(
          { couponId },
          'gate stays shut: its stream is not drained, or a worker has entries in hand',
        );
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
const needsCheck = ({ issued, checked }: GateView, { highestRank }: KnownCampaign): boolean =>
  !checked || highestRank === null || issued! < highestRank;
