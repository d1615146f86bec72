import { readInfluxLogin } from '../../../loadtest/influx-login.js';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Influx, k6Database, metricsDatabase, type Series } from '../../../common/influx.js';
import { resultsFolder } from '../../../common/paths.js';
import { writeRun } from '../../../compare/annotate.js';
import { planOf, type Bench } from '../../../compare/context.js';
import { measureRun } from '../../../compare/measure-run.js';
import { ReplicaCaps } from '../../../loadtest/replica-caps.js';
import type { RunRecord } from '../../../compare/types.js';
import { NoK6Error, provideK6, type K6 } from '../../../loadtest/k6-binary.js';
import { sampleRecord } from '../../../compare/test/support/sample-comparison.js';
import { findProgram } from '../../../stack/native/programs.js';
import { openNativeStack } from '../../../stack/native/native-stack.js';
import type { NativeStack } from '../../../stack/types.js';
import { Collector } from '../support/collector.js';
import { nativeSources } from '../support/native-sources.js';
import { ALERTS } from '../../source/alert-rules.js';
import type { DashboardJson } from '../../source/dashboard-json.js';
import { insideDashboard } from '../../source/inside-dashboard.js';
import { metricsSource as metrics } from '../../source/panels.js';
import { runDashboard } from '../../source/run-dashboard.js';
import { dashboards } from '../../source/write.js';

const instance = `dashboards-${process.pid}`;
const k6: K6 | null = await provideK6({ onProgress: () => undefined }).catch((error: unknown) => {
  if (error instanceof NoK6Error) return null;
  throw error;
});
const missing = [
  ...(k6 ? [] : ['k6']),
  ...(findProgram('influxd') ? [] : ['influxd (apt-get install influxdb)']),
];
if (missing.length > 0) console.log(`SKIPPED: dashboard queries need ${missing.join(' and ')}`);

interface Target {
  name: string;
  database: string;
  query: string;
}

/** Everything that a dashboard would ask InfluxDB: panels, annotations, lists of its variables. */
function targetsOf(dashboard: DashboardJson): Target[] {
  const { panels, annotations, templating } = dashboard;
  const database = (uid: string) => (uid === metrics.uid ? metricsDatabase : k6Database);
  return [
    ...panels.flatMap((panel) =>
      (panel.type === 'row' ? [] : panel.targets).map(({ query, datasource }) => ({
        name: panel.title,
        query,
        database: database(datasource.uid),
      })),
    ),
    ...[...annotations.list, ...templating.list].map(({ name, query, datasource }) => ({
      name,
      query,
      database: database(datasource.uid),
    })),
  ];
}

const suite = missing.length === 0 ? describe : describe.skip;

/** Two readings one second apart, before and after a run: growth a second is growth. */
const readingsDatabase = 'readings';
/** Columns that tell which run or series a row is of, and no value. */
const tagColumns = ['testid', 'replicas', 'round', 'valid', 'comparison'];

const valuesOf = ({ columns, values }: Series): (string | number | null)[] =>
  columns.flatMap((column, index) =>
    column === 'time' || tagColumns.includes(column) ? [] : values.map((row) => row[index]!),
  );

const total = (series: readonly Series[]): number =>
  series.flatMap(valuesOf).reduce<number>((sum, value) => sum + Number(value), 0);

suite('every query of every dashboard', () => {
  let stack: NativeStack;
  let influx: Influx;
  let collector: Collector;
  let closeSources: () => Promise<void>;
  let run: RunRecord;
  let second: RunRecord;
  let began: number;
  let readAtMs: number;
  const folders: string[] = [];

  beforeAll(async () => {
    began = Date.now();
    stack = await openNativeStack({ name: instance });
    await stack.up({ api: 2 });
    const service = await stack.service('influxdb');
    await service.start();
    influx = new Influx(`http://127.0.0.1:${service.port}`, readInfluxLogin());
    await influx.ensureAccount();
    for (const name of [k6Database, metricsDatabase]) await influx.createDatabase(name);
    await influx.createDatabase(readingsDatabase);
    const { sources, close } = await nativeSources(stack);
    closeSources = close;
    collector = new Collector(influx, sources, (line) => console.log(line));
    const read = async (timeMs: number) => {
      const gathered = await Promise.all(sources().map((source) => source(timeMs)));
      await influx.write(readingsDatabase, gathered.flat());
    };
    const bench: Bench = {
      stack,
      influx,
      k6: k6!,
      caps: new ReplicaCaps(stack, instance),
      say: () => undefined,
      signal: new AbortController().signal,
    };
    mkdirSync(resultsFolder('loadtest'), { recursive: true });
    await collector.collect();
    // k6 tells its number of users once a second: a shorter run has no such sample.
    for (let users = 2_000; users <= 8_000; users *= 2) {
      const cell = { replicas: 2, round: 1, attempt: 1, cap: null };
      run = (await measureRun(bench, planLoad(users), cell, {})).run;
      folders.push(run.testid);
      if (run.makespanMs > 1_200) break;
    }
    await writeRun(influx, sampleRecord, run, run.tps);
    collector.start();
    readAtMs = Math.floor(Date.now() / 1_000) * 1_000;
    await read(readAtMs);
    // Counters need two readings after the first answer, in two intervals.
    const cell = { replicas: 2, round: 1, attempt: 1, cap: null };
    second = (await measureRun(bench, planLoad(1_500), cell, {})).run;
    folders.push(second.testid);
    await read(readAtMs + 1_000);
    await collector.stop();
    await collector.collect();
    await writeOthers();
  }, 180_000);

  /** What neither the list of runs nor the annotations of one run may show. */
  const writeOthers = async () => {
    const point = { measurement: 'http_reqs', fields: { value: 1 }, timeMs: Date.now() };
    const tags = { replicas: '2', name: 'setup', status: '200' };
    await influx.write(k6Database, [
      { ...point, tags: { ...tags, testid: 'peak-api2-of-calibration', comparison: 'calibration' } },
      { ...point, tags: { ...tags, testid: 'arrival-api2-of-step-load', comparison: 'step-load' } },
      {
        measurement: 'events',
        tags: { testid: 'peak-api2-of-another', kind: 'start' },
        fields: { title: 'start', text: 'another' },
        timeMs: Date.parse(run.startedAt),
      },
    ]);
  };

  afterAll(async () => {
    await closeSources?.();
    await stack?.destroy();
    for (const testid of folders)
      rmSync(join(resultsFolder('loadtest'), testid), { recursive: true, force: true });
  }, 60_000);

  const planLoad = (users: number) => ({
    scenario: 'peak' as const,
    users: planOf({ scenario: 'peak', users }, 2).users,
  });

  const fill = (query: string, time: { from: string; to: string }): string => {
    const filter = time.from.startsWith('2000')
      ? `time >= '${time.from}' AND time <= '${time.to}'`
      : `time >= ${began}ms AND time <= ${Date.now() + 1_000}ms`;
    return query
      .replaceAll('$timeFilter', filter)
      .replaceAll('$__interval_ms', '1000')
      .replaceAll('$__interval', '1s')
      .replaceAll('$testid', run.testid)
      .replaceAll('$comparison', sampleRecord.id)
      .replaceAll('$replicas', '(2)');
  };

  for (const [file, dashboard] of Object.entries(dashboards)) {
    for (const { name, query, database } of targetsOf(dashboard)) {
      it(`${file}, ${name}: returns data for ${query.slice(0, 60)}…`, async () => {
        const series = await influx.query(database, fill(query, dashboard.time));
        const values = series.flatMap(valuesOf);
        expect(values.filter((value) => value !== null).length).toBeGreaterThan(0);
      });
    }
  }

  it.each(ALERTS)('alert rule $uid: the service tells what it asks for', async ({ query }) => {
    const series = await influx.query(metricsDatabase, fill(query, insideDashboard.time));
    expect(series.flatMap(valuesOf).filter((value) => value !== null).length).toBeGreaterThan(0);
  });

  const ask = (dashboard: DashboardJson, name: string, index = 0, database?: string): Promise<Series[]> => {
    const target = targetsOf(dashboard).filter((one) => one.name === name)[index]!;
    return influx.query(database ?? target.database, fill(target.query, dashboard.time));
  };

  it('with two replicas, the panels of their counters show the sum of both', async () => {
    const ofReading = (name: string) => ask(insideDashboard, name, 0, readingsDatabase);
    const outcomes = await ofReading('Answers by outcome');
    const issued = outcomes.filter(({ tags }) => tags?.['outcome'] === 'issued');
    expect(total(issued)).toBeCloseTo(second.answers.issued);
    expect(total(outcomes)).toBeCloseTo(second.users);
    const byReplica = (await ofReading('Issued by replica')).filter((series) => total([series]) > 0);
    expect(byReplica.map(({ tags }) => tags?.['address']).sort()).toEqual(['api-1', 'api-2']);
    expect(total(byReplica)).toBeCloseTo(second.answers.issued);
    expect(total(await ofReading('Rows written'))).toBeCloseTo(second.answers.issued);
  });

  it('the run dashboard counts what k6 counted', async () => {
    const totals = await Promise.all([
      ask(runDashboard, 'Answers'),
      ask(runDashboard, 'Users and answers per second'),
      ask(runDashboard, 'Answers by status'),
    ]);
    for (const series of totals) expect(total(series)).toBeCloseTo(run.users);
    expect(total(await ask(runDashboard, 'Coupons issued'))).toBe(run.answers.issued);
  });

  it('offers the newest run first, and none of calibration and step load', async () => {
    for (const name of ['testid', 'Runs']) {
      const [series] = await ask(runDashboard, name);
      const named = series!.values.map((row) => row[series!.columns.indexOf('testid')]);
      expect(series!.columns[1]).toBe('testid');
      expect(named).toEqual([...folders].reverse());
    }
  });

  it('marks start and end of the chosen run only', async () => {
    const [series] = await ask(runDashboard, 'Start and end');
    expect(series!.columns).toEqual(['time', 'title', 'text', 'testid']);
    expect(series!.values.map((row) => [row[1], row[3]])).toEqual([
      ['start', run.testid],
      ['end', run.testid],
    ]);
  });

  it('every sample of k6 tells its run, its replicas and its scenario', async () => {
    const where = `"testid" = '${run.testid}' AND "replicas" = '2' AND "scenario" = 'peak'`;
    const [series] = await influx.query(k6Database, `SELECT COUNT("value") FROM "http_reqs" WHERE ${where}`);
    expect(series?.values[0]?.[1]).toBe(run.samples.k6);
  });

  it('InfluxDB answers nobody without its account', async () => {
    for (const login of [null, { user: 'coupon-rush', password: 'another' }])
      await expect(new Influx(influx.url, login).query(k6Database, 'SHOW MEASUREMENTS')).rejects.toThrow(
        /does not know INFLUXDB_USER/,
      );
    // Nobody makes a second account either.
    await new Influx(influx.url, { user: 'thief', password: 'mine' }).ensureAccount();
    const thief = new Influx(influx.url, { user: 'thief', password: 'mine' });
    await expect(thief.query(k6Database, 'SHOW MEASUREMENTS')).rejects.toThrow(/does not know INFLUXDB_USER/);
  });

  it('InfluxDB holds as many samples as k6 counted', () => {
    expect(run.samples.influxdb).toBe(run.samples.k6);
    // One a user, and one of the check before them.
    expect(run.samples.k6).toBe(run.users + 1);
  });

  it('the audit of the run that filled it is clean', () => {
    expect(run.invalid).toEqual([]);
  });
});
