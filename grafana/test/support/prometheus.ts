import type { Point } from '../../../common/influx.js';

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

const labelsOf = (text = ''): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name, value]) => [name!, value!.replace(/\\(.)/g, '$1')]),
  );

/** The name that a histogram's or summary's sample belongs to. */
function partOf(name: string, types: ReadonlyMap<string, string>): { metric: string; part: string } | null {
  for (const part of ['bucket', 'sum', 'count']) {
    const metric = name.endsWith(`_${part}`) ? name.slice(0, -part.length - 1) : '';
    if (['histogram', 'summary'].includes(types.get(metric) ?? '')) return { metric, part };
  }
  return null;
}

/**
 * A `/metrics` page as Telegraf's `inputs.prometheus` with `metric_version = 1` writes it: a measurement for each
 * metric, fields `counter` or `gauge`; a histogram has `sum`, `count` and a field for each bucket.
 */
export function parseMetrics(page: string, tags: Readonly<Record<string, string>>, timeMs: number): Point[] {
  const types = new Map<string, string>();
  const points = new Map<
    string,
    { measurement: string; tags: Record<string, string>; fields: Record<string, number>; timeMs: number }
  >();
  for (const line of page.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) types.set(name, type);
    const [, sample, labelText, valueText] = line.startsWith('#') ? [] : (SAMPLE.exec(line) ?? []);
    const value = Number(valueText);
    if (sample === undefined || !Number.isFinite(value)) continue;
    const { le, quantile, ...labels } = labelsOf(labelText);
    const part = partOf(sample, types);
    const measurement = part?.metric ?? sample;
    const field = part
      ? part.part === 'bucket'
        ? (le ?? '+Inf')
        : part.part
      : (quantile ?? types.get(sample) ?? 'value');
    const key = `${measurement} ${JSON.stringify(labels)}`;
    const point = points.get(key) ?? { measurement, tags: { ...tags, ...labels }, fields: {}, timeMs };
    point.fields[field] = value;
    points.set(key, point);
  }
  return [...points.values()];
}
