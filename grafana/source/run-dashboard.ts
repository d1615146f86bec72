import { dashboard, Flow, k6Source as source, variable } from './panels.js';

const ofRun = '"testid" =~ /^$testid$/ AND $timeFilter';
const ofIssue = `"name" = 'issue' AND ${ofRun}`;
const perSecond = 'GROUP BY time(1s)';

const stat = (title: string, query: string, unit: string) => ({
  ...{ type: 'stat' as const, title, unit, source, width: 4, height: 4 },
  queries: [{ query }],
});

const phases = ['blocked', 'connecting', 'sending', 'waiting', 'receiving'];

const flow = new Flow()
  .add(stat('Answers', `SELECT SUM("value") FROM "http_reqs" WHERE ${ofIssue}`, 'short'))
  .add(stat('Coupons issued', `SELECT SUM("value") FROM "coupons_issued" WHERE ${ofRun}`, 'short'))
  .add(stat('Success', `SELECT 100 - 100 * MEAN("value") FROM "http_req_failed" WHERE ${ofIssue}`, 'percent'))
  .add(stat('p95', `SELECT PERCENTILE("value", 95) FROM "http_req_duration" WHERE ${ofIssue}`, 'ms'))
  .add(stat('p99', `SELECT PERCENTILE("value", 99) FROM "http_req_duration" WHERE ${ofIssue}`, 'ms'))
  .add(stat('Users at once', `SELECT MAX("value") FROM "vus" WHERE ${ofRun}`, 'short'))
  .add({
    ...{
      type: 'timeseries',
      title: 'Users and answers per second',
      source,
      width: 12,
      height: 8,
      unit: 'short',
      min: 0,
    },
    queries: [
      {
        alias: 'answers/s',
        query: `SELECT SUM("value") FROM "http_reqs" WHERE ${ofIssue} ${perSecond} fill(0)`,
      },
      { alias: 'users', query: `SELECT MAX("value") FROM "vus" WHERE ${ofRun} ${perSecond} fill(none)` },
    ],
  })
  .add({
    ...{
      type: 'timeseries',
      title: 'Answers by status',
      source,
      width: 12,
      height: 8,
      unit: 'short',
      min: 0,
    },
    description: '200 issued, 409 already issued, 410 sold out. 0 is no answer at all.',
    queries: [
      {
        alias: '$tag_status',
        query: `SELECT SUM("value") FROM "http_reqs" WHERE ${ofIssue} ${perSecond}, "status" fill(0)`,
      },
    ],
    custom: { fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } },
  })
  .add({
    ...{ type: 'timeseries', title: 'Latency percentiles', source, width: 12, height: 8, unit: 'ms', min: 0 },
    description: 'By the second in which the answer came.',
    queries: [50, 95, 99].map((share) => ({
      alias: `p${share}`,
      query: `SELECT PERCENTILE("value", ${share}) FROM "http_req_duration" WHERE ${ofIssue} ${perSecond} fill(none)`,
    })),
  })
  .add({
    ...{ type: 'heatmap', title: 'Latency heat map', source, width: 12, height: 8 },
    queries: [{ alias: 'latency', query: `SELECT "value" FROM "http_req_duration" WHERE ${ofIssue}` }],
  })
  .add({
    ...{ type: 'timeseries', title: 'Phases of a request', source, width: 12, height: 8, unit: 'ms', min: 0 },
    description:
      'Mean time: waiting for a free socket, connecting, sending, waiting for the first byte, receiving.',
    queries: phases.map((phase) => ({
      alias: phase,
      query: `SELECT MEAN("value") FROM "http_req_${phase}" WHERE ${ofIssue} ${perSecond} fill(none)`,
    })),
    custom: { fillOpacity: 30, stacking: { mode: 'normal', group: 'A' } },
  })
  .add({
    ...{ type: 'timeseries', title: 'Failed requests', source, width: 6, height: 8, unit: 'short', min: 0 },
    description:
      'Timeouts, broken connections and statuses that no scenario expects. Zero is the only good value.',
    queries: [
      {
        alias: 'failed/s',
        query: `SELECT SUM("value") FROM "http_req_failed" WHERE ${ofIssue} ${perSecond} fill(0)`,
      },
    ],
  })
  .add({
    ...{ type: 'table', title: 'Checks', source, width: 6, height: 8, unit: 'percent' },
    queries: [
      {
        table: true,
        query: `SELECT 100 * MEAN("value") AS "held" FROM "checks" WHERE ${ofRun} GROUP BY "check"`,
      },
    ],
    transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }],
  });

export const runDashboard = dashboard({
  uid: 'coupon-rush-run',
  title: 'Coupon rush: run',
  description: 'One k6 run as its users saw it.',
  flow,
  time: { from: 'now-30m', to: 'now' },
  refresh: '5s',
  variables: [
    variable({
      name: 'testid',
      label: 'Run',
      source,
      query: 'SHOW TAG VALUES FROM "http_reqs" WITH KEY = "testid"',
    }),
  ],
  annotations: [
    {
      name: 'Start and end',
      enable: true,
      datasource: source,
      iconColor: 'blue',
      query: 'SELECT "title", "text" FROM "events" WHERE $timeFilter',
      fromAnnotations: true,
      titleColumn: 'title',
      textColumn: 'text',
      tagsColumn: 'testid',
    },
  ],
});
