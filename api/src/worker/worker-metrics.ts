import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { readLag } from '../redis/lag.js';
import type { DeadLetterStore } from '../coupon/ports.js';
import type { Redis } from '../redis/connection.js';

export interface WorkerMetrics {
  registry: Registry;
  rows: Counter<'kind'>;
  batches: Counter;
  persistFailures: Counter<'fault'>;
  contradictions: Counter;
  deadLetters: Counter<'reason'>;
  lastCommit: Gauge;
  gatesOpened: Counter<'kind'>;
  staleGates: Counter;
  setAside: Counter;
  archived: Counter;
}

function counter<T extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: T[] = [],
) {
  return new Counter({ name, help, labelNames, registers: [registry] });
}

/** What is asked for while it is under way is answered by the same reading: a scrape asks for all gauges at once. */
function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => (underWay ??= read().finally(() => (underWay = undefined)));
}

/** Gauges that ask Redis or MySQL do so when they are scraped; without an answer they are NaN, not zero. */
export function createWorkerMetrics(redis: Redis, letters: Pick<DeadLetterStore, 'count'>): WorkerMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const lagNow = shared(() => readLag(redis).catch(() => null));
  new Gauge({
    name: 'coupon_drain_lag_entries',
    help: 'Stream entries that are not in MySQL',
    registers: [registry],
    async collect() {
      const lag = await lagNow();
      this.set(lag ? lag.entries : NaN);
    },
  });
  new Gauge({
    name: 'coupon_drain_lag_oldest_seconds',
    help: 'Age of the oldest stream entry that is not in MySQL',
    registers: [registry],
    async collect() {
      const lag = await lagNow();
      this.set(lag ? lag.oldestAgeMs / 1_000 : NaN);
    },
  });
  new Gauge({
    name: 'coupon_dead_letters',
    help: 'Dead letters waiting for an operator',
    registers: [registry],
    async collect() {
      this.set(await letters.count().catch(() => NaN));
    },
  });
  return {
    registry,
    rows: counter(registry, 'coupon_drain_rows_total', 'Rows handed to MySQL: new or there already', [
      'kind',
    ]),
    batches: counter(registry, 'coupon_drain_batches_total', 'Batches committed'),
    persistFailures: counter(registry, 'coupon_drain_failures_total', 'Statements that failed, by fault', [
      'fault',
    ]),
    contradictions: counter(
      registry,
      'coupon_drain_contradictions_total',
      'Rows that contradict what MySQL holds: always worth an alarm',
    ),
    deadLetters: counter(registry, 'coupon_drain_dead_letters_total', 'Entries given up, by reason', [
      'reason',
    ]),
    lastCommit: new Gauge({
      name: 'coupon_drain_last_commit_timestamp_seconds',
      help: 'Time of the last commit',
      registers: [registry],
    }),
    gatesOpened: counter(registry, 'coupon_gates_opened_total', 'Gates opened: fresh or after a loss', [
      'kind',
    ]),
    staleGates: counter(
      registry,
      'coupon_gates_stale_total',
      'Gates that were shut because Redis had an old copy of them: always worth an alarm',
    ),
    archived: counter(
      registry,
      'coupon_campaigns_archived_total',
      'Campaigns taken out of Redis after their end',
    ),
    setAside: counter(
      registry,
      'coupon_drain_set_aside_total',
      'Entries left to a worker of a later version of the service',
    ),
  };
}
