import type {
  AnnotationJson,
  DashboardJson,
  FieldConfig,
  GridPos,
  PanelJson,
  PanelType,
  RowJson,
  Source,
  Transformation,
  VariableJson,
} from './dashboard-json.js';

/** Fixed, so that the JSON finds its data wherever it is provisioned. */
export const k6Source: Source = { type: 'influxdb', uid: 'coupon-rush-k6' };
export const metricsSource: Source = { type: 'influxdb', uid: 'coupon-rush-metrics' };

interface Query {
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
  readonly transformations?: readonly Transformation[];
  /** Column of a table that leads to the dashboard of the run it names. */
  readonly runColumn?: string;
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
  table: { showHeader: true },
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
};

/**
 * To a run and its time: five minutes around its start, as `time` and `time.window` ask for (not in Grafana 11.0 and
 * 11.1). The longest runs take two.
 */
const linkToRun = {
  title: 'Open this run',
  url: '/d/coupon-rush-run?var-testid=${__value.raw}&time=${__data.fields.Time.numeric}&time.window=300000',
};

function fieldConfig({ type, unit, min, max, custom, runColumn }: PanelSpec): FieldConfig {
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
    overrides:
      runColumn === undefined
        ? []
        : [
            {
              matcher: { id: 'byName', options: runColumn },
              properties: [{ id: 'links', value: [linkToRun] }],
            },
          ],
  };
}

/** Places panels from left to right, like words in a line; a panel that does not fit begins the next line. */
export class Flow {
  readonly panels: (PanelJson | RowJson)[] = [];
  #x = 0;
  #y = 0;
  #lineHeight = 0;

  row(title: string): this {
    this.#newLine();
    this.panels.push({ ...this.#place(24, 1), type: 'row', title, collapsed: false, panels: [] });
    return this;
  }

  add(spec: PanelSpec): this {
    const { type, title, description, source, queries, transformations } = spec;
    this.panels.push({
      ...this.#place(spec.width, spec.height),
      type,
      title,
      ...(description !== undefined && { description }),
      datasource: source,
      targets: queries.map(({ query, alias, table }, index) => ({
        refId: letters.charAt(index),
        datasource: source,
        query,
        rawQuery: true,
        resultFormat: table ? 'table' : 'time_series',
        ...(alias !== undefined && { alias }),
      })),
      fieldConfig: fieldConfig(spec),
      options: { ...options[type], ...spec.options },
      ...(transformations && { transformations }),
    });
    return this;
  }

  #newLine(): void {
    this.#y += this.#lineHeight;
    this.#x = 0;
    this.#lineHeight = 0;
  }

  #place(width: number, height: number): { id: number; gridPos: GridPos } {
    if (this.#x + width > 24) this.#newLine();
    const gridPos = { x: this.#x, y: this.#y, w: width, h: height };
    this.#x += width;
    this.#lineHeight = Math.max(this.#lineHeight, height);
    return { id: this.panels.length + 1, gridPos };
  }
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly flow: Flow;
  readonly time: { from: string; to: string };
  readonly refresh?: string;
  readonly variables?: readonly VariableJson[];
  readonly annotations?: readonly AnnotationJson[];
}

/** Classic dashboard JSON. `schemaVersion` is that of 9.3: newer releases migrate it when they load it. */
export function dashboard(spec: DashboardSpec): DashboardJson {
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
    templating: { list: spec.variables ?? [] },
    annotations: { list: spec.annotations ?? [] },
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
  };
}
