import type { Dashboard, FieldColorModeId, Panel, ThresholdsMode, VariableModel } from '@grafana/schema';

/** The part of Grafana's dashboard JSON that is written here: what 9.3.8 and current releases both read. */

export type GridPos = NonNullable<Panel['gridPos']>;
export type Transformation = NonNullable<Panel['transformations']>[number];

export interface Source {
  readonly type: 'influxdb';
  readonly uid: string;
}

export type PanelType = 'timeseries' | 'stat' | 'table' | 'barchart' | 'heatmap';

interface Target {
  readonly refId: string;
  readonly datasource: Source;
  readonly query: string;
  readonly rawQuery: true;
  readonly resultFormat: 'table' | 'time_series';
  readonly alias?: string;
}

interface FieldOverride {
  readonly matcher: { readonly id: 'byName'; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

export interface FieldConfig {
  readonly defaults: {
    readonly unit?: string;
    readonly min?: number;
    readonly max?: number;
    readonly color: { readonly mode: `${FieldColorModeId}` };
    readonly thresholds: {
      readonly mode: `${ThresholdsMode}`;
      readonly steps: readonly { readonly color: string; readonly value: number | null }[];
    };
    readonly custom: Readonly<Record<string, unknown>>;
  };
  readonly overrides: readonly FieldOverride[];
}

interface Placed {
  readonly id: number;
  readonly gridPos: GridPos;
  readonly title: string;
}

export interface RowJson extends Placed {
  readonly type: 'row';
  readonly collapsed: false;
  readonly panels: readonly never[];
}

export interface PanelJson extends Placed {
  readonly type: PanelType;
  readonly description?: string;
  readonly datasource: Source;
  readonly targets: readonly Target[];
  readonly fieldConfig: FieldConfig;
  readonly options: Readonly<Record<string, unknown>>;
  readonly transformations?: readonly Transformation[];
}

export interface VariableJson extends Pick<
  VariableModel,
  'name' | 'label' | 'multi' | 'includeAll' | 'allValue' | 'current' | 'regex'
> {
  readonly type: 'query';
  readonly datasource: Source;
  readonly query: string;
  readonly definition: string;
  /** Asked again whenever the time range changes. */
  readonly refresh: 2;
  readonly sort: VariableSort;
  readonly hide: 0;
  readonly options: readonly never[];
}

/** 0: as the query answers; 2: by the alphabet, downwards; 3: by the first number. */
export type VariableSort = 0 | 2 | 3;

export interface AnnotationJson {
  readonly name: string;
  readonly enable: boolean;
  readonly datasource: Source;
  readonly iconColor: string;
  readonly query: string;
  readonly fromAnnotations: true;
  readonly titleColumn: string;
  readonly textColumn: string;
  readonly tagsColumn: string;
}

export interface DashboardJson extends Required<
  Pick<
    Dashboard,
    | 'uid'
    | 'title'
    | 'description'
    | 'tags'
    | 'timezone'
    | 'editable'
    | 'schemaVersion'
    | 'version'
    | 'graphTooltip'
    | 'refresh'
    | 'time'
  >
> {
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly annotations: { readonly list: readonly AnnotationJson[] };
  readonly links: readonly {
    readonly type: 'dashboards';
    readonly tags: readonly string[];
    readonly title: string;
    readonly asDropdown: boolean;
    readonly includeVars: boolean;
    readonly keepTime: boolean;
  }[];
  readonly panels: readonly (PanelJson | RowJson)[];
}
