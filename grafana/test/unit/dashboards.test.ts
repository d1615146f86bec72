import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { toJson } from '../../../common/json-file.js';
import { projectRoot } from '../../../common/paths.js';
import type { GridPos, PanelJson, PanelType, RowJson } from '../../source/dashboard-json.js';
import { k6Source, metricsSource } from '../../source/panels.js';
import { ALERTS, alertRules } from '../../source/alert-rules.js';
import { alertFile, dashboardFolder, dashboards } from '../../source/write.js';

/** Options of each panel type that Grafana 9.3.8 and current releases both read. */
const knownOptions: Readonly<Record<PanelType, readonly string[]>> = {
  timeseries: ['legend', 'tooltip'],
  stat: ['colorMode', 'graphMode', 'justifyMode', 'textMode', 'orientation', 'reduceOptions'],
  table: ['showHeader'],
  barchart: [
    ...['xField', 'orientation', 'showValue', 'stacking', 'groupWidth', 'barWidth'],
    ...['legend', 'tooltip'],
  ],
  heatmap: [
    ...['calculate', 'calculation', 'color', 'cellGap', 'filterValues'],
    ...['legend', 'tooltip', 'yAxis'],
  ],
};
/** Of 9.3.8. A dashboard with a higher one is not migrated there, and what it brought is not understood. */
const SCHEMA_VERSION = 37;
const sources = [k6Source, metricsSource];

const overlap = (a: GridPos, b: GridPos): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

const isPanel = (panel: PanelJson | RowJson): panel is PanelJson => panel.type !== 'row';

describe.each(Object.entries(dashboards))('dashboard %s', (file, dashboard) => {
  const { panels } = dashboard;
  const drawn = panels.filter(isPanel);
  const targets = drawn.flatMap((panel) => panel.targets);

  it('is committed as its source makes it (make dashboards)', () => {
    expect(readFileSync(join(dashboardFolder, file), 'utf8')).toBe(toJson(dashboard));
  });

  it('has panels with ids of their own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it('uses only panel types, and options of them, that Grafana 9.3.8 and current releases both know', () => {
    for (const { title, type, options } of drawn) {
      const known: readonly string[] | undefined = knownOptions[type];
      expect(known).toBeDefined();
      const unknown = Object.keys(options).filter((name) => !known.includes(name));
      expect({ title, unknown }).toEqual({ title, unknown: [] });
    }
  });

  it('has a schema version that Grafana 9.3.8 reads', () => {
    expect(dashboard.schemaVersion).toBeLessThanOrEqual(SCHEMA_VERSION);
  });

  it('asks only provisioned data sources, by type and uid, in raw InfluxQL', () => {
    expect(targets.length).toBeGreaterThan(5);
    const asking = [...drawn, ...targets, ...dashboard.templating.list, ...dashboard.annotations.list];
    for (const { datasource } of asking) expect(sources).toContainEqual(datasource);
    for (const { rawQuery } of targets) expect(rawQuery).toBe(true);
  });

  it('has no query for each server that asks for the largest of their counters', () => {
    const ofEach = targets.filter(({ query }) => /MAX\("counter"\)/.test(query));
    for (const { query } of ofEach) expect(query).toMatch(/SUM\("rate"\) FROM \(.*, \* fill/);
  });

  it('has no panel over another one or beyond the width of 24', () => {
    for (const [i, a] of panels.entries()) {
      expect(a.gridPos.x + a.gridPos.w).toBeLessThanOrEqual(24);
      const under = panels.slice(i + 1).filter((b) => overlap(a.gridPos, b.gridPos));
      expect(under.map(({ title }) => `${a.title} / ${title}`)).toEqual([]);
    }
  });
});

it('gives each dashboard a uid of its own', () => {
  expect(new Set(Object.values(dashboards).map(({ uid }) => uid)).size).toBe(3);
});

it('provisions exactly the data sources that the dashboards ask', () => {
  const text = readFileSync(
    join(dashboardFolder, '..', 'provisioning', 'datasources', 'influxdb.yml'),
    'utf8',
  );
  expect([...text.matchAll(/uid: (\S+)/g)].map(([, uid]) => uid)).toEqual([k6Source.uid, metricsSource.uid]);
});

describe('alert rules', () => {
  it('are committed as their source makes them (make dashboards)', () => {
    expect(readFileSync(alertFile, 'utf8')).toBe(toJson(alertRules));
  });

  it('lead to a symptom of the runbook', () => {
    const runbook = readFileSync(join(projectRoot, 'docs', 'runbook.md'), 'utf8').replaceAll('`', '');
    for (const { runbook: symptom } of ALERTS) expect(runbook).toContain(`**${symptom.replaceAll('`', '')}`);
  });
});
