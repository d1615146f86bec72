import { dashboard, Flow, metricsSource as source, type PanelSpec } from './panels.js';

const every = 'GROUP BY time($__interval)';
const panel = (
  title: string,
  unit: string,
  queries: PanelSpec['queries'],
  description?: string,
): PanelSpec => ({
  ...{ type: 'timeseries', title, unit, source, width: 8, height: 8, min: 0, queries },
  ...(description !== undefined && { description }),
});

/** Growth a second of a counter that one server has. */
const growth = (field: string, from: string): string =>
  `SELECT NON_NEGATIVE_DERIVATIVE(MAX("${field}"), 1s) FROM "${from}" WHERE $timeFilter ${every} fill(none)`;

/**
 * Growth a second of a counter that every replica or worker has for itself: each one's growth (`*`: every tag), then the
 * sum. MAX over all of them would be the growth of whichever has counted furthest.
 */
const growthOfAll = (from: string, by: readonly string[], where = ''): string => {
  const each = `SELECT NON_NEGATIVE_DERIVATIVE(MAX("counter"), 1s) AS "rate" FROM "${from}" WHERE ${where}$timeFilter ${every}, * fill(none)`;
  return `SELECT SUM("rate") FROM (${each}) WHERE $timeFilter ${every}, ${by.map((tag) => `"${tag}"`).join(', ')} fill(none)`;
};

/** Mean of what a process's histogram, which has no labels, saw in each interval. */
const meanOf = (histogram: string): string =>
  `SELECT NON_NEGATIVE_DERIVATIVE(MAX("sum"), 1s) / NON_NEGATIVE_DERIVATIVE(MAX("count"), 1s) FROM "${histogram}" WHERE $timeFilter ${every}, "address" fill(none)`;

const last = (field: string, from: string, by = ''): string =>
  `SELECT LAST("${field}") FROM "${from}" WHERE $timeFilter ${every}${by} fill(none)`;

const flow = new Flow()
  .row('nginx and replicas')
  .add(
    panel(
      'nginx: connections',
      'short',
      ['active', 'reading', 'writing', 'waiting'].map((field) => ({
        alias: field,
        query: `SELECT MAX("${field}") FROM "nginx" WHERE $timeFilter ${every} fill(none)`,
      })),
    ),
  )
  .add(panel('nginx: requests', 'reqps', [{ alias: 'requests/s', query: growth('requests', 'nginx') }]))
  .add(
    panel('Answers by outcome', 'reqps', [
      { alias: '$tag_outcome', query: growthOfAll('coupon_answers_total', ['outcome']) },
    ]),
  )
  .add(
    panel('Issued by replica', 'reqps', [
      {
        alias: '$tag_address',
        query: growthOfAll('coupon_answers_total', ['address'], `"outcome" = 'issued' AND `),
      },
    ]),
  )
  .add(
    panel(
      'Event-loop lag (p99)',
      's',
      [{ alias: '$tag_address', query: last('gauge', 'nodejs_eventloop_lag_p99_seconds', ', "address"') }],
      'Replicas and workers. A lag of a second means that nobody was answered for a second.',
    ),
  )
  .add(
    panel(
      'Attempts in one batch',
      'short',
      [{ alias: '$tag_address', query: meanOf('coupon_batch_size') }],
      'Group commit: one script call, one write, one fsync for so many users.',
    ),
  )
  .row('Redis and the stream')
  .add(
    panel('Redis: commands', 'ops', [
      { alias: 'commands/s', query: growth('total_commands_processed', 'redis') },
    ]),
  )
  .add(
    panel(
      'Round trip of a script call',
      's',
      [{ alias: '$tag_address', query: meanOf('coupon_redis_call_duration_seconds') }],
      'Seen by each replica, fsync included.',
    ),
  )
  .add(
    panel(
      'Entries not yet in MySQL',
      'short',
      [{ alias: 'entries', query: last('gauge', 'coupon_drain_lag_entries') }],
      'Of all streams; an entry is a whole batch. Every worker tells the same number: no sum over workers.',
    ),
  )
  .row('Worker and MySQL')
  .add(
    panel('Rows written', 'short', [
      {
        alias: '$tag_address $tag_kind',
        query: growthOfAll('coupon_drain_rows_total', ['address', 'kind']),
      },
    ]),
  )
  .add(
    panel(
      'Lag of the database',
      's',
      [{ alias: 'age of the oldest entry', query: last('gauge', 'coupon_drain_lag_oldest_seconds') }],
      'Every worker tells it of all streams: the last one to tell is shown.',
    ),
  )
  .add(
    panel(
      'Dead letters',
      'short',
      [{ alias: 'dead letters', query: last('gauge', 'coupon_dead_letters') }],
      'Every worker tells the same number: no sum over workers.',
    ),
  )
  .add(panel('MySQL: queries', 'ops', [{ alias: 'queries/s', query: growth('queries', 'mysql') }]))
  .add(
    panel(
      'MySQL: threads',
      'short',
      ['threads_connected', 'threads_running'].map((field) => ({
        alias: field,
        query: last(field, 'mysql'),
      })),
    ),
  )
  .add(
    panel('CPU of the Node processes', 'percentunit', [
      { alias: '$tag_address', query: growthOfAll('process_cpu_seconds_total', ['address']) },
    ]),
  );

export const insideDashboard = dashboard({
  uid: 'coupon-rush-inside',
  title: 'Coupon rush: inside',
  description: 'nginx, replicas, Redis, workers and MySQL while a run is under way.',
  flow,
  time: { from: 'now-15m', to: 'now' },
  refresh: '5s',
});
