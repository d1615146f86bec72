import { median } from '../../common/statistics.js';
import { originalRun } from '../reference.js';
import { hasAnsweredEveryone, isScaling, isValid, type Report } from '../summarise.js';
import type { Component, CurvePoint, RunRecord } from '../types.js';

/** What `browser/charts.js` draws; only data, so that it can be embedded as JSON. Colours are chosen there, by theme. */
export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  /** One sentence under the title: what to look for. */
  readonly hint: string;
  readonly kind: 'bar' | 'line';
  /** `ms` values are shown as ms or s. */
  readonly unit: 'perSecond' | 'ms' | 'percent' | 'times';
  readonly xTitle: string;
  /** Of lines numbers: their x axis is to scale. */
  readonly labels: readonly (string | number)[];
  readonly series: readonly Series[];
  /** Upper end of the y axis where it is known. */
  readonly yMax?: number;
}

interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Index into the palette; `muted` for references and ideals. */
  readonly colour: number | 'muted';
  /** A line over the bars, for an ideal or a reference. */
  readonly line?: 'dashed';
  /** Least and most per value, drawn as whiskers, of a line as a band. */
  readonly range?: readonly (readonly [number, number] | null)[];
}

const components: readonly { key: Component; label: string }[] = [
  { key: 'api', label: 'api' },
  { key: 'nginx', label: 'nginx' },
  { key: 'redis', label: 'Redis' },
  { key: 'worker', label: 'worker' },
  { key: 'database', label: 'MySQL' },
  { key: 'k6', label: 'k6' },
  { key: 'influxdb', label: 'InfluxDB' },
];

const hundred = (share: number | null): number | null => (share === null ? null : share * 100);

function tpsChart({ byReplicas, labels }: Frame): ChartSpec {
  return {
    id: 'tps',
    title: 'Coupons issued per second',
    hint: 'Median of the valid rounds, whiskers from the slowest to the fastest.',
    kind: 'bar',
    unit: 'perSecond',
    xTitle: 'replicas',
    labels,
    series: [
      {
        label: 'measured',
        values: byReplicas.map(({ tps }) => tps?.median ?? null),
        colour: 0,
        range: byReplicas.map(({ tps }) => (tps ? ([tps.min, tps.max] as const) : null)),
      },
    ],
  };
}

function latencyChart({ byReplicas, labels, everyone }: Frame): ChartSpec {
  const answered = everyone ? '' : ' who got a definite answer';
  return {
    id: 'latency',
    title: 'Time to an answer',
    hint: `p50: half of the users${answered} waited less. p95 and p99: the slowest 5 and 1 of 100 waited longer.`,
    kind: 'bar',
    unit: 'ms',
    xTitle: 'replicas',
    labels,
    series: (['p50', 'p95', 'p99'] as const).map((name, colour) => ({
      label: name,
      colour,
      values: byReplicas.map(({ latencyMs }) => latencyMs?.[name] ?? null),
    })),
  };
}

function successChart({ byReplicas, labels }: Frame): ChartSpec {
  return {
    id: 'success',
    title: 'Users with a definite answer',
    hint: 'Issued, already issued or sold out. Timeouts, broken connections and 5xx are what is missing to 100 %.',
    kind: 'bar',
    unit: 'percent',
    xTitle: 'replicas',
    labels,
    yMax: 100,
    series: [
      { label: 'measured', values: byReplicas.map(({ successRate }) => hundred(successRate)), colour: 0 },
      {
        label: originalRun.label,
        values: labels.map(() => originalRun.successRate * 100),
        colour: 'muted',
        line: 'dashed',
      },
    ],
  };
}

function speedupChart({ byReplicas, labels }: Frame): ChartSpec {
  return {
    id: 'speedup',
    title: 'What more replicas bring',
    hint: 'Issued per second, in times of what one replica issues. The band is the 95 % interval; the dashes are perfect scaling.',
    kind: 'line',
    unit: 'times',
    xTitle: 'replicas',
    labels,
    series: [
      {
        label: 'measured',
        values: byReplicas.map(({ speedup }) => speedup),
        colour: 0,
        range: byReplicas.map(({ interval, speedup, replicas }) => {
          if (interval) return [interval.speedup.low, interval.speedup.high] as const;
          // What the others are measured by is exact by definition.
          return speedup === replicas ? ([speedup, speedup] as const) : null;
        }),
      },
      {
        label: 'perfect scaling',
        values: byReplicas.map(({ replicas }) => replicas),
        colour: 'muted',
        line: 'dashed',
      },
    ],
  };
}

function cpuChart({ byReplicas, labels }: Frame, runs: readonly RunRecord[]): ChartSpec {
  const use = (replicas: number, key: Component): number | null => {
    const own = runs.filter((run) => run.replicas === replicas && isValid(run));
    const found = own.flatMap(({ cpu }) => cpu.filter(({ component }) => component === key));
    return found.length > 0 ? median(found.map(({ utilisation }) => utilisation)) * 100 : null;
  };
  return {
    id: 'cpu',
    title: 'How busy each part was',
    hint: 'CPU used, of the most it could use (its cap, its threads, the cores); of several replicas the busiest. What is near 100 % is the limit.',
    kind: 'bar',
    unit: 'percent',
    xTitle: 'replicas',
    labels,
    yMax: 100,
    series: components.map(({ key, label }, colour) => ({
      label,
      colour,
      values: byReplicas.map(({ replicas }) => use(replicas, key)),
    })),
  };
}

/** The round whose TPS is the median, or next to it: a curve that really happened. */
function medianRun(runs: readonly RunRecord[]): RunRecord | undefined {
  const sorted = [...runs].sort((a, b) => a.tps - b.tps);
  return sorted[(sorted.length - 1) >> 1];
}

function overlay(
  frame: Frame,
  runs: readonly RunRecord[],
  pick: (point: CurvePoint) => number | null,
): Pick<ChartSpec, 'labels' | 'series'> {
  const chosen = frame.byReplicas.flatMap(({ replicas }, colour) => {
    const run = medianRun(runs.filter((other) => other.replicas === replicas && isValid(other)));
    return run ? [{ run, colour }] : [];
  });
  const seconds = Math.max(0, ...chosen.map(({ run }) => run.curve.length));
  return {
    labels: Array.from({ length: seconds }, (_, second) => second),
    series: chosen.map(({ run, colour }) => ({
      label: run.replicas === 1 ? '1 replica' : `${run.replicas} replicas`,
      colour,
      values: Array.from({ length: seconds }, (_, second) => {
        const point = run.curve[second];
        return point ? pick(point) : null;
      }),
    })),
  };
}

interface Frame {
  readonly byReplicas: Report['byReplicas'];
  readonly labels: readonly string[];
  /** Every user got a definite answer, so that waiting times leave nobody out. */
  readonly everyone: boolean;
}

export function chartsOf(report: Report, runs: readonly RunRecord[]): ChartSpec[] {
  const frame = {
    byReplicas: report.byReplicas,
    labels: report.byReplicas.map(({ replicas }) => String(replicas)),
    everyone: hasAnsweredEveryone(report),
  };
  const elapsed = { kind: 'line' as const, xTitle: 'seconds since the first request' };
  return [
    ...(isScaling(report) ? [speedupChart(frame)] : []),
    tpsChart(frame),
    latencyChart(frame),
    successChart(frame),
    {
      id: 'curve-tps',
      title: 'Answers over time',
      hint: 'The median round of each replica count, laid over one another from the first request on.',
      unit: 'perSecond',
      ...elapsed,
      ...overlay(frame, runs, ({ issued, refused }) => issued + refused),
    },
    {
      id: 'curve-latency',
      title: 'Waiting time over time (p95)',
      hint: `Of the ${frame.everyone ? '' : 'definite '}answers given in that second. In a burst everybody asks at once, so the last ones have waited longest.`,
      unit: 'ms',
      ...elapsed,
      ...overlay(frame, runs, ({ p95 }) => p95),
    },
    cpuChart(frame, runs),
  ];
}
