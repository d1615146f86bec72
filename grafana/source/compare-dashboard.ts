import { dashboard, Flow, k6Source as source, type PanelSpec } from './panels.js';
import { newestFirst, variable } from './variables.js';

/** Summary rows carry real times, curves a common start in 2000, which is this dashboard's range: so no $timeFilter there. */
const counted = `"comparison" =~ /^$comparison$/ AND "valid" = 'yes'`;
const withoutTime = [{ id: 'organize', options: { excludeByName: { Time: true, time: true } } }];

const byReplicas = (
  title: string,
  unit: string,
  fields: readonly [field: string, label: string][],
  extra: Partial<PanelSpec> = {},
): PanelSpec => ({
  ...{ type: 'barchart', title, unit, source, width: 12, height: 8, min: 0 },
  queries: [
    {
      table: true,
      query: `SELECT ${fields.map(([field, label]) => `MEDIAN("${field}") AS "${label}"`).join(', ')} FROM "compare_run" WHERE ${counted} GROUP BY "replicas"`,
    },
  ],
  transformations: withoutTime,
  ...extra,
});

const overlay = (title: string, unit: string, field: string): PanelSpec => ({
  ...{ type: 'timeseries', title, unit, source, width: 12, height: 9, min: 0 },
  description: 'Every run begins at 00:00: the seconds since its first request.',
  queries: [
    {
      alias: '$tag_replicas replicas, round $tag_round',
      query: `SELECT MEAN("${field}") FROM "compare_curve" WHERE ${counted} AND "replicas" =~ /^$replicas$/ AND $timeFilter GROUP BY time(1s), "replicas", "round" fill(none)`,
    },
  ],
});

const columns = [
  'testid',
  'replicas',
  'round',
  'valid',
  'tps',
  'p50',
  'p95',
  'p99',
  'success',
  'efficiency',
  'samples_k6',
  'samples_influxdb',
  'busy_first',
];

const flow = new Flow()
  .add(byReplicas('Coupons issued per second', 'reqps', [['tps', 'issued/s']]))
  .add(
    byReplicas('Time to an answer', 'ms', [
      ['p50', 'p50'],
      ['p95', 'p95'],
      ['p99', 'p99'],
    ]),
  )
  .add(byReplicas('Success', 'percent', [['success', 'success']], { max: 100 }))
  .add(byReplicas('Efficiency', 'percent', [['efficiency', 'TPS ÷ N × TPS of one']]))
  .row('Runs laid over one another')
  .add(overlay('Answers per second', 'short', 'answers'))
  .add(overlay('p95 of the answers of that second', 'ms', 'p95'))
  .row('Runs')
  .add({
    ...{ type: 'table', title: 'Runs', source, width: 24, height: 10 },
    description: 'Runs that are not valid are in no figure above. A click on its name opens a run.',
    runColumn: 'testid',
    queries: [
      {
        table: true,
        query: `SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM "compare_run" WHERE "comparison" =~ /^$comparison$/`,
      },
    ],
  });

export const compareDashboard = dashboard({
  uid: 'coupon-rush-compare',
  title: 'Coupon rush: compare replicas',
  description: 'What each added replica brought.',
  flow,
  time: { from: '2000-01-01T00:00:00.000Z', to: '2000-01-01T00:03:00.000Z' },
  variables: [
    variable({
      name: 'comparison',
      label: 'Comparison',
      source,
      sort: 0,
      regex: '/^compare-/',
      query: newestFirst(['comparison'], { measurement: 'compare_run', field: 'tps' }),
    }),
    variable({
      name: 'replicas',
      label: 'Replicas',
      source,
      sort: 3,
      multi: true,
      query: 'SHOW TAG VALUES FROM "compare_run" WITH KEY = "replicas"',
    }),
  ],
});
