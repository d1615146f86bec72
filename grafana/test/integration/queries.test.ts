import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeRun } from '../../../loadtest/compare/annotate.js';
import { planOf, type Bench } from '../../../loadtest/compare/context.js';
import { Influx, k6Database, metricsDatabase } from '../../../loadtest/compare/influx.js';
import { measureRun } from '../../../loadtest/compare/measure-run.js';
import { ReplicaCaps } from '../../../loadtest/compare/replica-caps.js';
import type { RunRecord } from '../../../loadtest/compare/types.js';
import { NoK6Error, provideK6, type K6 } from '../../../loadtest/index.js';
import { projectRoot } from '../../../loadtest/project-root.js';
import { openStack, type Stack } from '../../../stack/index.js';
import { instanceFolder } from '../../../stack/paths.js';
import { findProgram } from '../../../stack/native/programs.js';
import { Collector } from '../../../telegraf/collector/collector.js';
import { nativeSources } from '../../../telegraf/collector/native-sources.js';
import { sampleRecord } from '../../../loadtest/test/support/sample-comparison.js';
import { metricsSource as metrics } from '../../source/panels.js';
import { dashboards } from '../../source/write.js';

const root = projectRoot();
const instance = `dashboards-${process.pid}`;
const k6: K6 | null = await provideK6({ root, onProgress: () => undefined }).catch((error: unknown) => {
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
function targetsOf(dashboard: (typeof dashboards)[string]): Target[] {
  const { panels, annotations, templating } = dashboard as unknown as {
    panels: { title: string; targets?: { query: string; datasource: { uid: string } }[] }[];
    annotations: { list: { name: string; query: string; datasource: { uid: string } }[] };
    templating: { list: { name: string; query: string; datasource: { uid: string } }[] };
  };
  const database = (uid: string) => (uid === metrics.uid ? metricsDatabase : k6Database);
  return [
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ query, datasource }) => ({ name: title, query, database: database(datasource.uid) })),
    ),
    ...[...annotations.list, ...templating.list].map(({ name, query, datasource }) => ({
      name,
      query,
      database: database(datasource.uid),
    })),
  ];
}

const suite = missing.length === 0 ? describe : describe.skip;

suite('every query of every dashboard', () => {
  let stack: Stack;
  let influx: Influx;
  let collector: Collector;
  let closeSources: () => Promise<void>;
  let run: RunRecord;
  let began: number;
  const folders: string[] = [];

  beforeAll(async () => {
    began = Date.now();
    stack = await openStack({ mode: 'native', name: instance });
    await stack.up({ api: 2 });
    const service = await stack.service!('influxdb');
    await service.start();
    influx = new Influx(`http://127.0.0.1:${service.port}`);
    for (const name of [k6Database, metricsDatabase]) await influx.createDatabase(name);
    const sources = await nativeSources(stack);
    closeSources = sources.close;
    collector = new Collector(influx, sources.sources, (line) => console.log(line));
    const bench: Bench = {
      stack,
      influx,
      k6: k6!,
      root,
      caps: new ReplicaCaps(stack, instance),
      say: () => undefined,
      signal: new AbortController().signal,
    };
    mkdirSync(join(root, 'loadtest', 'results'), { recursive: true });
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
    // Counters need two readings after the first answer, in two intervals.
    const second = await measureRun(
      bench,
      planLoad(1_500),
      { replicas: 2, round: 1, attempt: 1, cap: null },
      {},
    );
    folders.push(second.run.testid);
    await collector.stop();
    await collector.collect();
  }, 180_000);

  afterAll(async () => {
    await closeSources?.();
    await stack?.down();
    for (const testid of folders)
      rmSync(join(root, 'loadtest', 'results', testid), { recursive: true, force: true });
    rmSync(instanceFolder(instance), { recursive: true, force: true });
  }, 60_000);

  const planLoad = (users: number) => ({
    scenario: 'peak' as const,
    users: planOf({ scenario: 'peak', users }).users,
  });

  const fill = (query: string, time: { from: string; to: string }): string => {
    const filter = time.from.startsWith('2000')
      ? `time >= '${time.from}' AND time <= '${time.to}'`
      : `time >= ${began}ms AND time <= ${Date.now() + 1_000}ms`;
    return query
      .replaceAll('$timeFilter', filter)
      .replaceAll('$__interval', '1s')
      .replaceAll('$testid', run.testid)
      .replaceAll('$comparison', sampleRecord.id)
      .replaceAll('$replicas', '(2)');
  };

  for (const [file, dashboard] of Object.entries(dashboards)) {
    for (const { name, query, database } of targetsOf(dashboard)) {
      it(`${file}, ${name}: returns data for ${query.slice(0, 60)}…`, async () => {
        const series = await influx.query(
          database,
          fill(query, dashboard.time as { from: string; to: string }),
        );
        const values = series.flatMap((one) =>
          one.values.flatMap((row) => row.slice(one.columns[0] === 'time' ? 1 : 0)),
        );
        expect(values.filter((value) => value !== null).length).toBeGreaterThan(0);
      });
    }
  }

  it('every sample of k6 tells its run, its replicas and its scenario', async () => {
    const where = `"testid" = '${run.testid}' AND "replicas" = '2' AND "scenario" = 'peak'`;
    const [series] = await influx.query(k6Database, `SELECT COUNT("value") FROM "http_reqs" WHERE ${where}`);
    expect(series?.values[0]?.[1]).toBe(run.samples.k6);
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
