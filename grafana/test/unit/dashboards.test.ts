import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { dashboardFolder, dashboards, toJson } from '../../source/write.js';
import { k6Source, metricsSource } from '../../source/panels.js';

interface PanelJson {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { datasource: { uid: string }; rawQuery: boolean; query: string }[];
}

const both = [
  ['timeseries', 'stat', 'table', 'barchart', 'heatmap', 'row'],
  [k6Source.uid, metricsSource.uid],
] as const;

const overlap = (a: PanelJson['gridPos'], b: PanelJson['gridPos']): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

describe.each(Object.entries(dashboards))('dashboard %s', (file, dashboard) => {
  const panels = dashboard.panels as unknown as PanelJson[];

  it('is committed as its source makes it (node dist/grafana/source/cli.js)', () => {
    expect(readFileSync(join(dashboardFolder, file), 'utf8')).toBe(toJson(dashboard));
  });

  it('has panels with ids of their own', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  it('uses only panel types that Grafana 9.3 and current releases both know', () => {
    expect(panels.filter(({ type }) => !(both[0] as readonly string[]).includes(type))).toEqual([]);
  });

  it('asks only provisioned data sources, in raw InfluxQL', () => {
    const targets = panels.flatMap((panel) => panel.targets ?? []);
    expect(targets.length).toBeGreaterThan(5);
    for (const { datasource, rawQuery } of targets) {
      expect(both[1]).toContain(datasource.uid);
      expect(rawQuery).toBe(true);
    }
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
