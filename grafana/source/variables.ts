import type { Source, VariableJson, VariableSort } from './dashboard-json.js';

/**
 * Tags of each point of a measurement, the latest first: testids and names of comparisons begin with what was measured,
 * so that no order of text or numbers is that of time. Points are asked for, because InfluxQL sorts nothing else.
 * As a variable's query it offers the first tag, each value once; current releases of Grafana add the field's values to
 * the list, which the variable's `regex` must leave out.
 */
export const newestFirst = (
  tags: readonly string[],
  { measurement, field, where }: { measurement: string; field: string; where?: string },
): string => {
  const columns = [...tags, field].map((name) => `"${name}"`).join(', ');
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  return `SELECT ${columns} FROM "${measurement}"${condition} ORDER BY time DESC LIMIT 1000`;
};

export interface VariableSpec {
  readonly name: string;
  readonly label: string;
  readonly query: string;
  readonly source: Source;
  readonly multi?: boolean;
  readonly sort: VariableSort;
  /** Values it does not match are left out. */
  readonly regex?: string;
}

/** A list of values; where no value is chosen in the address, Grafana takes the first. */
export const variable = ({
  name,
  label,
  query,
  source,
  sort,
  multi = false,
  regex = '',
}: VariableSpec): VariableJson => ({
  type: 'query',
  name,
  label,
  datasource: source,
  query,
  definition: query,
  refresh: 2,
  sort,
  multi,
  includeAll: multi,
  ...(multi && { allValue: '.*', current: { text: 'All', value: '$__all' } }),
  hide: 0,
  regex,
  options: [],
});
