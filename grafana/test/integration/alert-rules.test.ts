import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Influx, type Point } from '../../../common/influx.js';
import { readInfluxLogin } from '../../../loadtest/influx-login.js';
import { openNativeStack } from '../../../stack/native/native-stack.js';
import { findProgram } from '../../../stack/native/programs.js';
import type { NativeStack } from '../../../stack/types.js';
import { alertRules, ALERTS, WINDOW_S } from '../../source/alert-rules.js';

const instance = `alerts-${process.pid}`;
const hasInflux = Boolean(findProgram('influxd'));
if (!hasInflux) console.log('SKIPPED: alert rules need influxd (apt-get install influxdb)');

const NOW_MS = Math.floor(Date.now() / 1_000) * 1_000;

/** Of one process, as Telegraf writes it: the first value is `agoS` seconds old, the others a second younger each. */
function readings(
  measurement: string,
  field: string,
  values: readonly number[],
  tags: Readonly<Record<string, string>> = {},
  agoS = values.length,
): Point[] {
  const all = { address: '10.0.0.1', ...tags };
  return values.map((value, index) => ({
    ...{ measurement, tags: all, fields: { [field]: value } },
    timeMs: NOW_MS - (agoS - index) * 1_000,
  }));
}
const gauge = (name: string, ...values: number[]) => readings(name, 'gauge', values);
const answers = (outcome: string, values: readonly number[], address = '10.0.0.1') =>
  readings('coupon_answers_total', 'counter', values, { address, outcome });
const redis = (used: number, most: number): Point[] => [
  {
    ...{ measurement: 'redis', tags: { server: 'redis' } },
    ...{ fields: { used_memory: used, maxmemory: most }, timeMs: NOW_MS - 1_000 },
  },
];

interface Case {
  readonly it: string;
  readonly points: readonly Point[];
  readonly fires: boolean;
}

const LAG = 'coupon_drain_lag_oldest_seconds';
const CASES: Readonly<Record<string, readonly Case[]>> = {
  'coupon-drain-lag': [
    { it: 'an entry is 31 s old', points: gauge(LAG, 0, 12, 31), fires: true },
    {
      it: 'one worker of two sees it',
      points: [...gauge(LAG, 0), ...readings(LAG, 'gauge', [31], { address: 'b' })],
      fires: true,
    },
    { it: 'it is 30 s old', points: gauge(LAG, 30), fires: false },
    { it: 'it was old and is drained', points: gauge(LAG, 90, 0), fires: false },
    { it: 'nobody says', points: [], fires: true },
    { it: 'the last word is two minutes old', points: readings(LAG, 'gauge', [0], {}, 120), fires: true },
  ],
  'coupon-dead-letters': [
    { it: 'there is one', points: gauge('coupon_dead_letters', 0, 1), fires: true },
    { it: 'it was replayed', points: gauge('coupon_dead_letters', 1, 0), fires: false },
    { it: 'nobody says', points: [], fires: false },
  ],
  'coupon-gate-shut': [
    { it: 'one is shut', points: gauge('coupon_gates_shut', 1), fires: true },
    { it: 'it is open again', points: gauge('coupon_gates_shut', 1, 0), fires: false },
  ],
  'coupon-failed-answers': [
    {
      it: '2 of 100 fail',
      points: [...answers('issued', [5, 54, 103]), ...answers('notReady', [0, 1, 2])],
      fires: true,
    },
    { it: 'all outcomes are unknown', points: answers('outcomeUnknown', [7, 20]), fires: true },
    {
      it: '1 of 100 fails',
      points: [...answers('issued', [1, 100]), ...answers('notReady', [4, 5])],
      fires: false,
    },
    {
      it: 'failures are of before, and a replica began again',
      points: [...answers('issued', [900, 0, 50]), ...answers('notReady', [500, 0, 0])],
      fires: false,
    },
    {
      it: 'a replica began again and fails since',
      points: [...answers('issued', [900, 0, 50]), ...answers('notReady', [500, 0, 2])],
      fires: true,
    },
    {
      it: 'refusals and users who have one already',
      points: ['overloaded', 'alreadyIssued']
        .flatMap((outcome) => answers(outcome, [0, 9]))
        .concat(answers('notReady', [0, 0])),
      fires: false,
    },
    {
      it: 'nobody asks',
      points: [...answers('issued', [9, 9]), ...answers('notReady', [3, 3])],
      fires: false,
    },
    { it: 'no replica says', points: [], fires: true },
  ],
  'coupon-overloaded': [
    {
      it: 'a replica refuses',
      points: [...answers('overloaded', [3, 4]), ...answers('overloaded', [0, 0], 'b')],
      fires: true,
    },
    { it: 'it did a while ago, and began again', points: answers('overloaded', [400, 400, 0]), fires: false },
  ],
  'coupon-event-loop-lag': [
    {
      it: 'one of two is late',
      points: [
        ...gauge('nodejs_eventloop_lag_p99_seconds', 0.01),
        ...readings('nodejs_eventloop_lag_p99_seconds', 'gauge', [1.2], { address: 'b' }),
      ],
      fires: true,
    },
    { it: 'by a second', points: gauge('nodejs_eventloop_lag_p99_seconds', 1), fires: false },
    {
      it: 'the late one is gone',
      points: readings('nodejs_eventloop_lag_p99_seconds', 'gauge', [9], {}, 90),
      fires: false,
    },
  ],
  'coupon-redis-memory': [
    { it: '93 % are used', points: redis(93, 100), fires: true },
    { it: '92 %', points: redis(92, 100), fires: false },
    { it: 'there is no limit', points: redis(92, 0), fires: false },
  ],
};

(hasInflux ? describe : describe.skip)('alert rules, by the answers of a real InfluxDB', () => {
  let stack: NativeStack;
  let influx: Influx;
  let databases = 0;

  beforeAll(async () => {
    stack = await openNativeStack({ name: instance });
    const service = await stack.service('influxdb');
    await service.start();
    influx = new Influx(`http://127.0.0.1:${service.port}`, readInfluxLogin());
    await influx.ensureAccount();
  }, 60_000);
  afterAll(() => stack.destroy());

  /** As Grafana does it: the query, of each series the last value that is one, the threshold. */
  async function fires({ rules }: (typeof alertRules.groups)[number], uid: string, points: readonly Point[]) {
    const database = `alerts_${(databases += 1)}`;
    await influx.createDatabase(database);
    await influx.write(database, points);
    const rule = rules.find((each) => each.uid === uid)!;
    const [ask, reduce, threshold] = rule.data.map(({ model }) => model);
    expect([reduce!['expression'], threshold!['expression'], rule.condition]).toEqual(['A', 'B', 'C']);
    expect([reduce!['reducer'], reduce!['settings']]).toEqual(['last', { mode: 'dropNN' }]);
    const [{ evaluator }] = threshold!['conditions'] as [{ evaluator: { type: string; params: [number] } }];
    expect(evaluator.type).toBe('gt');
    const time = `time >= ${NOW_MS - WINDOW_S * 1_000}ms AND time <= ${NOW_MS}ms`;
    const series = await influx.query(database, String(ask!['query']).replaceAll('$timeFilter', time));
    const lasts = series.flatMap(({ values }) => {
      const known = values.map((row) => row[1]).filter((value) => value !== null);
      return known.length > 0 ? [Number(known.at(-1))] : [];
    });
    return lasts.length === 0
      ? rule.noDataState === 'Alerting'
      : lasts.some((value) => value > evaluator.params[0]);
  }

  it('each has data that fires it and data that does not', () => {
    expect(Object.keys(CASES).sort()).toEqual(ALERTS.map(({ uid }) => uid).sort());
    for (const cases of Object.values(CASES))
      expect(new Set(cases.map((one) => one.fires))).toEqual(new Set([true, false]));
  });

  const all = Object.entries(CASES).flatMap(([uid, cases]) =>
    cases.map((one) => [uid, one.it, one.fires ? 'fires' : 'does not fire', one] as const),
  );
  it.each(all)('%s: %s: it %s', async (uid, _it, _fires, one) => {
    expect(await fires(alertRules.groups[0]!, uid, one.points)).toBe(one.fires);
  });
});
