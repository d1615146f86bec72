import type { Dashboard, Panel } from '@grafana/schema';

/** Fixed, so that the JSON finds its data wherever it is provisioned. */
export const k6Source = { type: 'influxdb', uid: 'coupon-rush-k6' } as const;
export const metricsSource = { type: 'influxdb', uid: 'coupon-rush-metrics' } as const;
export type Source = typeof k6Source | typeof metricsSource;

/** Panel types that Grafana 9.3 and current releases both draw from the same JSON. */
export type PanelType = 'timeseries' | 'stat' | 'table' | 'barchart' | 'heatmap' | 'row';

export interface Query {
  /** Raw InfluxQL; dashboard variables and $timeFilter are filled in by Grafana. */
  readonly query: string;
  /** Name of the series; `$tag_x` is the value of a tag. */
  readonly alias?: string;
  readonly table?: boolean;
}

export interface PanelSpec {
  readonly type: PanelType;
  readonly title: string;
  readonly description?: string;
  readonly width: number;
  readonly height: number;
  readonly source: Source;
  readonly queries: readonly Query[];
  /** Grafana's unit id: `ms`, `reqps`, `percent`, `short`, `s`. */
  readonly unit?: string;
  readonly min?: number;
  readonly max?: number;
  readonly options?: Record<string, unknown>;
  /** Drawing of a `timeseries`. */
  readonly custom?: Record<string, unknown>;
  readonly transformations?: readonly { id: string; options: Record<string, unknown> }[];
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

const options: Readonly<Record<PanelType, Record<string, unknown>>> = {
  timeseries: {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  stat: {
    colorMode: 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    textMode: 'auto',
    orientation: 'auto',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  },
  table: { showHeader: true, cellHeight: 'sm' },
  barchart: {
    xField: 'replicas',
    orientation: 'vertical',
    showValue: 'auto',
    stacking: 'none',
    groupWidth: 0.7,
    barWidth: 0.9,
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
    tooltip: { mode: 'single', sort: 'none' },
  },
  heatmap: {
    calculate: true,
    calculation: { xBuckets: { mode: 'size', value: '1s' }, yBuckets: { mode: 'count', value: '20' } },
    color: {
      mode: 'scheme',
      scheme: 'Oranges',
      steps: 64,
      exponent: 0.5,
      fill: 'dark-orange',
      reverse: false,
    },
    cellGap: 1,
    filterValues: { le: 1e-9 },
    legend: { show: true },
    tooltip: { show: true, yHistogram: false },
    yAxis: { axisPlacement: 'left', unit: 'ms' },
  },
  row: {},
};

function fieldConfig({ type, unit, min, max, custom }: PanelSpec): Record<string, unknown> {
  const drawing =
    type === 'timeseries'
      ? { lineWidth: 1, fillOpacity: 8, showPoints: 'auto', spanNulls: false, ...custom }
      : {};
  return {
    defaults: {
      ...(unit !== undefined && { unit }),
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
      color: { mode: type === 'stat' ? 'thresholds' : 'palette-classic' },
      thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }] },
      custom: drawing,
    },
    overrides: [],
  };
}

/** Places panels from left to right, like words in a line; a panel that does not fit begins the next line. */
export class Flow {
  readonly panels: Panel[] = [];
  #x = 0;
  #y = 0;
  #lineHeight = 0;

  row(title: string): this {
    this.#newLine();
    this.#push({ type: 'row', title, collapsed: false, panels: [] }, 24, 1);
    return this;
  }

  add(spec: PanelSpec): this {
    const { type, title, description, source, queries, transformations } = spec;
    this.#push(
      {
        type,
        title,
        ...(description !== undefined && { description }),
        datasource: source,
        targets: queries.map(({ query, alias, table }, index) => ({
          refId: letters[index],
          datasource: source,
          query,
          rawQuery: true,
          resultFormat: table ? 'table' : 'time_series',
          ...(alias !== undefined && { alias }),
        })),
        fieldConfig: fieldConfig(spec),
        options: { ...options[type], ...spec.options },
        ...(transformations && { transformations: [...transformations] }),
      },
      spec.width,
      spec.height,
    );
    return this;
  }

  #newLine(): void {
    this.#y += this.#lineHeight;
    this.#x = 0;
    this.#lineHeight = 0;
  }

  #push(panel: Record<string, unknown>, width: number, height: number): void {
    if (this.#x + width > 24) this.#newLine();
    const gridPos = { x: this.#x, y: this.#y, w: width, h: height };
    this.panels.push({ id: this.panels.length + 1, gridPos, ...panel } as unknown as Panel);
    this.#x += width;
    this.#lineHeight = Math.max(this.#lineHeight, height);
  }
}

export interface VariableSpec {
  readonly name: string;
  readonly label: string;
  readonly query: string;
  readonly source: Source;
  readonly multi?: boolean;
}

/** A list of tag values; the newest is last, so it is sorted downwards and the first is chosen. */
export const variable = ({ name, label, query, source, multi = false }: VariableSpec) => ({
  type: 'query',
  name,
  label,
  datasource: source,
  query,
  definition: query,
  refresh: 2,
  sort: 2,
  multi,
  includeAll: multi,
  ...(multi && { allValue: '.*', current: { text: 'All', value: '$__all' } }),
  hide: 0,
  regex: '',
  options: [],
});

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly flow: Flow;
  readonly time: { from: string; to: string };
  readonly refresh?: string;
  readonly variables?: readonly ReturnType<typeof variable>[];
  readonly annotations?: readonly Record<string, unknown>[];
}

/** Classic dashboard JSON. `schemaVersion` is that of 9.3: newer releases migrate it when they load it. */
export function dashboard(spec: DashboardSpec): Dashboard {
  return {
    uid: spec.uid,
    title: spec.title,
    description: spec.description,
    tags: ['coupon-rush'],
    timezone: 'utc',
    editable: true,
    schemaVersion: 37,
    version: 1,
    graphTooltip: 1,
    refresh: spec.refresh ?? '',
    time: spec.time,
    templating: { list: [...(spec.variables ?? [])] },
    annotations: { list: [...(spec.annotations ?? [])] },
    links: [
      {
        type: 'dashboards',
        tags: ['coupon-rush'],
        title: 'Coupon rush',
        asDropdown: false,
        includeVars: false,
        keepTime: false,
      },
    ],
    panels: spec.flow.panels,
  } as unknown as Dashboard;
}
