import type { Source } from './dashboard-json.js';
import { metricsSource } from './panels.js';

/** One node of a rule: what InfluxDB is asked, or what Grafana makes of it. */
interface Node {
  readonly refId: string;
  readonly relativeTimeRange?: { readonly from: number; readonly to: number };
  readonly datasourceUid: string;
  readonly model: Readonly<Record<string, unknown>>;
}

interface Rule {
  readonly uid: string;
  readonly title: string;
  readonly condition: 'C';
  readonly data: readonly Node[];
  readonly for: string;
  /** Without an answer from any series. `Alerting` once for the workers and once for the replicas: their silence is a fault. */
  readonly noDataState: 'Alerting' | 'OK';
  readonly execErrState: 'Error';
  readonly labels: { readonly severity: 'critical' | 'warning' };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

/** What tells one alert from another; everything else is the same for all. */
export interface AlertSpec {
  readonly uid: string;
  readonly title: string;
  /** InfluxQL; each series of its answer is judged by its last value. `$timeFilter`: the last `WINDOW_S`. */
  readonly query: string;
  /** It fires above this. */
  readonly above: number;
  /** And has to stay there for so long. */
  readonly for: string;
  readonly noDataState?: Rule['noDataState'];
  readonly severity: Rule['labels']['severity'];
  readonly summary: string;
  /** Symptom in docs/runbook.md. */
  readonly runbook: string;
}

/** Long enough that one missed scrape is no silence, short enough that a replica that is gone is not judged any more. */
export const WINDOW_S = 60;

const last = (gauge: string): string =>
  `SELECT LAST("gauge") FROM "${gauge}" WHERE $timeFilter GROUP BY "address"`;

/** Of a counter, over the window and all processes; one that starts again does not count backwards. */
const grown = (field: string, counter: string, where = ''): string =>
  `(SELECT NON_NEGATIVE_DIFFERENCE("counter") AS "${field}" FROM "${counter}" WHERE ${where}$timeFilter GROUP BY *)`;

export const ALERTS: readonly AlertSpec[] = [
  {
    uid: 'coupon-drain-lag',
    title: 'Coupons do not reach MySQL',
    query: last('coupon_drain_lag_oldest_seconds'),
    // A rush of 10,000 is drained within seconds.
    above: 30,
    for: '30s',
    noDataState: 'Alerting',
    severity: 'critical',
    summary: 'The oldest entry has waited for more than 30 s, or no worker says how long.',
    runbook: 'coupon_drain_lag_oldest_seconds grows',
  },
  {
    uid: 'coupon-dead-letters',
    title: 'Dead letters',
    query: last('coupon_dead_letters'),
    above: 0,
    for: '0s',
    severity: 'critical',
    summary: 'MySQL does not take entries that users were told 200 for.',
    runbook: 'Dead letters',
  },
  {
    uid: 'coupon-gate-shut',
    title: 'A gate stays shut',
    query: last('coupon_gates_shut'),
    above: 0,
    // A gate that was lost opens within seconds by itself.
    for: '1m',
    severity: 'critical',
    summary: 'Users of a campaign that should issue get 503.',
    runbook: 'A gate stays shut',
  },
  {
    uid: 'coupon-failed-answers',
    title: 'Issue calls fail',
    query:
      `SELECT SUM("failed") / SUM("all") FROM ${grown('all', 'coupon_answers_total')}, ` +
      `${grown('failed', 'coupon_answers_total', `"outcome" =~ /^(notReady|outcomeUnknown)$/ AND `)} WHERE $timeFilter`,
    above: 0.01,
    // A failover of Redis takes some seconds.
    for: '30s',
    // A replica counts from 0 on: with no figure at all there is no replica, and nginx answers 502.
    noDataState: 'Alerting',
    severity: 'critical',
    summary:
      'More than 1 % of the issue calls of the last minute got 503 `not-ready`, `backlog-full` or `outcome-unknown`, or no replica says.',
    runbook: 'Clients get 503 `not-ready`',
  },
  {
    uid: 'coupon-overloaded',
    title: 'Overloaded for longer than a rush',
    query: `SELECT SUM("refused") FROM ${grown('refused', 'coupon_answers_total', `"outcome" = 'overloaded' AND `)} WHERE $timeFilter`,
    above: 0,
    // The window is a minute already: replicas refused in three different minutes.
    for: '2m',
    severity: 'warning',
    summary: 'Replicas refuse calls for minutes: there are too few of them.',
    runbook: 'Clients get 503 `overloaded`',
  },
  {
    uid: 'coupon-event-loop-lag',
    title: 'A process does not get its turn',
    query: last('nodejs_eventloop_lag_p99_seconds'),
    // In the second of a rush it may be some hundred milliseconds.
    above: 1,
    for: '30s',
    severity: 'warning',
    summary: 'The event loop of a replica or worker is late by more than a second.',
    runbook: 'The event loop is late',
  },
  {
    uid: 'coupon-redis-memory',
    title: 'The backlog fills Redis',
    query: 'SELECT LAST("used_memory") / LAST("maxmemory") FROM "redis" WHERE $timeFilter GROUP BY "server"',
    // Campaigns are planned up to 0.9.
    above: 0.92,
    for: '30s',
    severity: 'critical',
    summary: 'Streams, gates and winners use more than 92 % of the memory that Redis may have.',
    runbook: 'Redis is full',
  },
];

const influxNode = (query: string, { uid }: Source): Node => ({
  refId: 'A',
  relativeTimeRange: { from: WINDOW_S, to: 0 },
  datasourceUid: uid,
  model: { refId: 'A', query, rawQuery: true, resultFormat: 'time_series' },
});

const expression = (refId: 'B' | 'C', model: Readonly<Record<string, unknown>>): Node => ({
  refId,
  datasourceUid: '__expr__',
  model: { refId, ...model },
});

const toRule = (spec: AlertSpec): Rule => ({
  uid: spec.uid,
  title: spec.title,
  condition: 'C',
  data: [
    influxNode(spec.query, metricsSource),
    expression('B', { type: 'reduce', expression: 'A', reducer: 'last', settings: { mode: 'dropNN' } }),
    expression('C', {
      type: 'threshold',
      expression: 'B',
      conditions: [{ evaluator: { type: 'gt', params: [spec.above] } }],
    }),
  ],
  for: spec.for,
  noDataState: spec.noDataState ?? 'OK',
  execErrState: 'Error',
  labels: { severity: spec.severity },
  annotations: { summary: spec.summary, runbook: `docs/runbook.md: ${spec.runbook}` },
});

/** A file of Grafana's provisioning, format 1. */
export const alertRules = {
  apiVersion: 1,
  groups: [
    { orgId: 1, name: 'coupon-rush', folder: 'Coupon rush', interval: '10s', rules: ALERTS.map(toRule) },
  ],
};
