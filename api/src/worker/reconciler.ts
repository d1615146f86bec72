import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../logger.js';
import { pause } from './backoff.js';
import { reconcileLive, type ReconcileDeps } from './reconcile.js';
import type { CampaignStore } from '../coupon/stores.js';

export interface ReconcilerDeps extends ReconcileDeps {
  campaigns: Pick<CampaignStore, 'listLive'>;
  registry: Registry;
  logger: Logger;
}

interface Sums {
  missingInMysql: number;
  missingInRedis: number;
  vacantRanks: number;
  shutGates: number;
}

/**
 * Compares Redis and MySQL every now and then and says what it found as metrics. An alarm belongs on a gap that stays
 * while `coupon_drain_lag_entries` is 0, and on any `missing_in_redis`.
 */
export class Reconciler {
  readonly #stopping = new AbortController();
  readonly #gauges: Record<keyof Sums | 'checked', Gauge>;
  #running: Promise<void> | undefined;

  constructor(
    private readonly deps: ReconcilerDeps,
    private readonly everyMs: number,
  ) {
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

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** One comparison. Throws when MySQL or Redis cannot be asked: the metrics then keep what they said. */
  async check(): Promise<void> {
    const sums: Sums = { missingInMysql: 0, missingInRedis: 0, vacantRanks: 0, shutGates: 0 };
    for await (const one of reconcileLive(this.deps)) {
      sums.missingInMysql += one.missingInMysql;
      sums.missingInRedis += one.missingInRedis;
      sums.vacantRanks += one.vacantRanks;
      if (one.gate === 'shut') sums.shutGates += 1;
      if (one.missingInRedis > 0)
        this.deps.logger.error({ ...one }, 'MySQL holds coupons that Redis does not know');
    }
    for (const [name, value] of Object.entries(sums)) this.#gauges[name as keyof Sums].set(value);
    this.#gauges.checked.setToCurrentTime();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // Redis or MySQL is away: the drainer and the gate keeper say so, and the age of the last success tells the rest.
      await this.check().catch((err: unknown) => this.deps.logger.debug({ err }, 'not reconciled'));
      await pause(this.everyMs, signal);
    }
  }
}
