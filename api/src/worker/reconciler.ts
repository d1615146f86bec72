import { Gauge, type Registry } from 'prom-client';
import type { CampaignStore } from '../coupon/ports.js';
import { addGaps, NO_GAPS, reconcileLive, type GapSum, type ReconcileDeps } from '../coupon/reconcile.js';
import type { Logger } from '../logger.js';

interface ReconcilerDeps extends ReconcileDeps {
  campaigns: Pick<CampaignStore, 'listLive'>;
  registry: Registry;
  logger: Logger;
}

/**
 * Compares Redis and MySQL and says what it found as metrics. An alarm belongs on a gap that stays while
 * `coupon_drain_lag_entries` is 0, and on any `missing_in_redis`.
 */
export class Reconciler {
  readonly #gauges: Record<keyof GapSum | 'checked', Gauge>;

  constructor(private readonly deps: ReconcilerDeps) {
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [deps.registry] });
    this.#gauges = {
      missingInMysql: gauge(
        'coupon_reconciliation_missing_in_mysql',
        'Winners in Redis that are not in MySQL: what is under way, 0 when drained',
      ),
      missingInRedis: gauge(
        'coupon_reconciliation_missing_in_redis',
        'Rows in MySQL whose user Redis does not know although the gate is open: always 0',
      ),
      vacantRanks: gauge(
        'coupon_reconciliation_vacant_ranks',
        'Ranks handed out that nobody holds in MySQL: 0 when drained, unless entries were lost or are dead letters',
      ),
      shutGates: gauge('coupon_gates_shut', 'Campaigns that Redis does not have: their issue calls get 503'),
      checked: gauge(
        'coupon_reconciliation_last_success_timestamp_seconds',
        'When Redis and MySQL were last compared',
      ),
    };
  }

  /** One comparison. Throws when MySQL or Redis cannot be asked: the metrics then keep what they said. */
  async check(): Promise<void> {
    let sum = NO_GAPS;
    for await (const one of reconcileLive(this.deps)) {
      sum = addGaps(sum, one);
      if (one.missingInRedis > 0)
        this.deps.logger.error({ ...one }, 'MySQL holds coupons that Redis does not know');
    }
    for (const [name, value] of Object.entries(sum)) this.#gauges[name as keyof GapSum].set(value);
    this.#gauges.checked.setToCurrentTime();
  }
}
