import { dashboard, Flow, k6Source as source } from './panels.js';
import { newestFirst, variable } from './variables.js';

/** Figures of the whole run, whatever time is shown: one that was an hour ago has them too. */
const ofRun = '"testid" =~ /^$testid$/';
const ofIssue = `"name" = 'issue' AND ${ofRun}`;
const inTime = 'AND $timeFilter';
const every = 'GROUP BY time($__interval)';
/** SUM of an interval, as so many a second. */
const perSecond = (from: string, by = ''): string =>
  `SELECT SUM("value") * 1000 / $__interval_ms FROM "${from}" WHERE ${ofIssue} ${inTime} ${every}${by} fill(0)`;

const stat = (title: string, query: string, unit: string, description?: string) => ({
  ...{ type: 'stat' as const, title, unit, source, width: 4, height: 4 },
  ...(description !== undefined && { description }),
  queries: [{ query }],
});

const latencyNote =
  "k6's http_req_duration: sending, waiting, receiving. Connecting is left out here (see the phases); the report's latency includes it.";

/** Every run begins with one check of its campaign. Calibration and steps of a rising rate are no one's aim. */
const runs = {
  measurement: 'http_reqs',
  field: 'value',
  where: `"name" = 'setup' AND "comparison" !~ /^(calibration|step-load)$/`,
};

const phases = ['blocked', 'connecting', 'sending', 'waiting', 'receiving'];

const flow = new Flow()
  .add(stat('Answers', `SELECT SUM("value") FROM "http_reqs" WHERE ${ofIssue}`, 'short'))
  .add(stat('Coupons issued', `SELECT SUM("value") FROM "coupons_issued" WHERE ${ofRun}`, 'short'))
  .add(stat('Success', `SELECT 100 - 100 * MEAN("value") FROM "http_req_failed" WHERE ${ofIssue}`, 'percent'))
  .add(
    stat(
      'p95',
      `SELECT PERCENTILE("value", 95) FROM "http_req_duration" WHERE ${ofIssue}`,
      'ms',
      latencyNote,
    ),
  )
  .add(
    stat(
      'p99',
      `SELECT PERCENTILE("value", 99) FROM "http_req_duration" WHERE ${ofIssue}`,
      'ms',
      latencyNote,
    ),
  )
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
        query: perSecond('http_reqs'),
      },
      {
        alias: 'users',
        query: `SELECT MAX("value") FROM "vus" WHERE ${ofRun} ${inTime} ${every} fill(none)`,
      },
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
        query: perSecond('http_reqs', ', "status"'),
      },
    ],
    custom: { fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } },
  })
  .add({
    ...{ type: 'timeseries', title: 'Latency percentiles', source, width: 12, height: 8, unit: 'ms', min: 0 },
    description: `By the time at which the answer came. ${latencyNote}`,
    queries: [50, 95, 99].map((share) => ({
      alias: `p${share}`,
      query: `SELECT PERCENTILE("value", ${share}) FROM "http_req_duration" WHERE ${ofIssue} ${inTime} ${every} fill(none)`,
    })),
  })
  .add({
    ...{ type: 'heatmap', title: 'Latency heat map', source, width: 12, height: 8 },
    queries: [
      { alias: 'latency', query: `SELECT "value" FROM "http_req_duration" WHERE ${ofIssue} ${inTime}` },
    ],
  })
  .add({
    ...{ type: 'timeseries', title: 'Phases of a request', source, width: 12, height: 8, unit: 'ms', min: 0 },
    description:
      'Mean time: waiting for a free socket, connecting, sending, waiting for the first byte, receiving.',
    queries: phases.map((phase) => ({
      alias: phase,
      query: `SELECT MEAN("value") FROM "http_req_${phase}" WHERE ${ofIssue} ${inTime} ${every} fill(none)`,
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
        query: perSecond('http_req_failed'),
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
  })
  .add({
    ...{ type: 'table', title: 'Runs', source, width: 24, height: 10 },
    description: 'The newest first, with the time they began. A click on its name opens a run and its time.',
    queries: [{ table: true, query: newestFirst(['testid', 'replicas'], runs) }],
    transformations: [{ id: 'organize', options: { excludeByName: { value: true } } }],
    runColumn: 'testid',
  });

export const runDashboard = dashboard({
  uid: 'coupon-rush-run',
  title: 'Coupon rush: run',
  description: 'One k6 run as its users saw it.',
  flow,
  time: { from: 'now-1h', to: 'now' },
  refresh: '5s',
  variables: [
    variable({
      name: 'testid',
      label: 'Run',
      source,
      sort: 0,
      regex: '/-api/',
      query: newestFirst(['testid'], runs),
    }),
  ],
  annotations: [
    {
      name: 'Start and end',
      enable: true,
      datasource: source,
      iconColor: 'blue',
      query: `SELECT "title", "text", "testid" FROM "events" WHERE ${ofRun} ${inTime}`,
      fromAnnotations: true,
      titleColumn: 'title',
      textColumn: 'text',
      tagsColumn: 'testid',
    },
  ],
});
