import { formatNumber } from '../../common/format.js';
import { median, measureSpread } from '../../common/statistics.js';
import type { PeakRound } from '../../loadtest/peak-round.js';
import type { CapacitySummary } from '../capacity-summary.js';
import { originalRun } from '../reference.js';
import { isValid, type ReplicaSummary, type Report } from '../summarise.js';
import type { ComparisonRecord, RunRecord } from '../types.js';
import { foundFaults } from '../validity.js';
import {
  component,
  duration,
  interval,
  limitsWords,
  percent,
  rate,
  spread,
  success,
  times,
} from './format.js';

export interface Cell {
  readonly text: string;
  readonly tone?: 'good' | 'bad';
  readonly align?: 'left' | 'reason';
}

interface Row {
  readonly cells: readonly Cell[];
  readonly reference?: boolean;
}

/** Rendered as HTML and as Markdown. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly Row[];
}

const cell = (text: string): Cell => ({ text });
const verdict = (isGood: boolean, good: string, bad: string): Cell =>
  isGood ? { text: good, tone: 'good' } : { text: bad, tone: 'bad' };

/** A comparison that ended early had no more rounds planned than it has. */
function validCell({ valid, rounds }: ReplicaSummary, { rounds: planned, ended }: ComparisonRecord): Cell {
  const all = ended === undefined ? planned : rounds;
  const text = `${valid} of ${all}`;
  return verdict(valid > 0 && valid >= all, text, text);
}

/** Of k6 alone, in the columns of a peak. */
function floorRow(floors: readonly PeakRound[]): Row {
  const typical = (name: 'p50' | 'p95' | 'p99') =>
    duration(median(floors.map(({ latencyMs }) => latencyMs[name] ?? NaN)));
  const sum = (name: 'issued' | 'users') => floors.reduce((total, floor) => total + floor[name], 0);
  return {
    reference: true,
    cells: [
      cell("k6's own floor (nginx return 200)"),
      cell(`${floors.length} rounds`),
      cell(spread(measureSpread(floors.map(({ issued, makespanMs }) => (issued * 1_000) / makespanMs)))),
      cell(duration(median(floors.map(({ makespanMs }) => makespanMs)))),
      cell(typical('p50')),
      cell(typical('p95')),
      cell(typical('p99')),
      cell(success(sum('issued') / sum('users'))),
      cell('–'),
      cell('–'),
      cell('–'),
      { text: 'k6 and nginx', align: 'left' },
    ],
  };
}

export function replicaTable(report: Report): Table {
  const { scenario, floors = [] } = report.comparison;
  const isBurst = scenario === 'peak' || scenario === 'sold-out';
  const lastAnswer = (text: string): Cell[] => (isBurst ? [cell(text)] : []);
  const rows: Row[] = report.byReplicas.map((entry) => ({
    cells: [
      cell(String(entry.replicas)),
      validCell(entry, report.comparison),
      cell(spread(entry.tps)),
      ...lastAnswer(duration(entry.makespanMs)),
      cell(duration(entry.latencyMs?.p50 ?? null)),
      cell(duration(entry.latencyMs?.p95 ?? null)),
      cell(duration(entry.latencyMs?.p99 ?? null)),
      cell(success(entry.successRate)),
      cell(times(entry.speedup)),
      cell(interval(entry.interval?.speedup ?? null)),
      cell(percent(entry.efficiency)),
      { text: component(entry.saturatedFirst), align: 'left' },
    ],
  }));
  const reference: Row = {
    reference: true,
    cells: [
      cell(originalRun.label),
      cell('–'),
      cell(String(originalRun.tps)),
      ...lastAnswer('–'),
      cell('–'),
      cell(duration(originalRun.p95Ms)),
      cell('–'),
      cell(percent(originalRun.successRate)),
      cell('–'),
      cell('–'),
      cell('–'),
      { text: 'other hardware', align: 'left' },
    ],
  };
  return {
    title: 'By replica count',
    head: [
      'replicas',
      'valid of planned rounds',
      'issued/s (min – max)',
      ...(isBurst ? ['last answer'] : []),
      'p50',
      'p95',
      'p99',
      'success',
      'speed-up',
      '95 % interval',
      'efficiency',
      'busy first',
    ],
    rows: [...rows, ...(floors.length > 0 ? [floorRow(floors)] : []), reference],
  };
}

/** What an audit found, in a few words. */
export function auditWords({ audit }: RunRecord): string {
  const late = audit.persistedAfterMs === null ? ['not all in MySQL in time'] : [];
  return [...foundFaults(audit), ...late].join(', ') || 'clean';
}

export function runTable(runs: readonly RunRecord[]): Table {
  const sorted = [...runs].sort(
    (a, b) => a.replicas - b.replicas || a.round - b.round || a.attempt - b.attempt,
  );
  return {
    title: 'All runs',
    head: [
      'run',
      'replicas',
      'round',
      'issued/s',
      'p95',
      'success',
      'samples: k6',
      'InfluxDB',
      'audit',
      'busy first',
      'counts',
    ],
    rows: sorted.map((run) => ({
      cells: [
        cell(run.testid),
        cell(String(run.replicas)),
        cell(run.attempt > 1 ? `${run.round} (again)` : String(run.round)),
        cell(rate(run.tps)),
        cell(duration(run.latencyMs.p95)),
        cell(success(run.successRate)),
        cell(formatNumber(run.samples.k6)),
        cell(run.samples.influxdb === null ? '–' : formatNumber(run.samples.influxdb)),
        { ...verdict(auditWords(run) === 'clean', 'clean', auditWords(run)), align: 'left' },
        { text: component(run.saturatedFirst), align: 'left' },
        {
          ...verdict(isValid(run), 'yes', `no: ${run.invalid.join('; ')}`),
          align: isValid(run) ? 'left' : 'reason',
        },
      ],
    })),
  };
}

const holdsWords = ({ holds, breaksAt }: CapacitySummary): string =>
  holds !== null && breaksAt === null ? `at least ${rate(holds)}` : rate(holds);

const brokeWords = ({ broke, invalid }: CapacitySummary): string =>
  [...broke, ...invalid.map((step) => `${rate(step.rate)} does not count: ${step.reasons.join(', ')}`)].join(
    '; ',
  ) || '–';

export function capacityTable(report: Report): Table | null {
  if (report.capacity.length === 0) return null;
  const limits = report.capacityLimits;
  return {
    title: `Capacity under a rising rate${limits ? `: ${limitsWords(limits)}` : ''}`,
    head: ['replicas', 'holds', 'answered then', 'breaks at', 'what broke', 'busy first'],
    rows: report.capacity.map((entry) => ({
      cells: [
        cell(String(entry.replicas)),
        cell(holdsWords(entry)),
        cell(rate(entry.achieved)),
        cell(rate(entry.breaksAt)),
        { text: brokeWords(entry), align: 'left' },
        { text: component(entry.saturatedFirst), align: 'left' },
      ],
    })),
  };
}

export function predictionTable({ predictions }: Report): Table | null {
  if (predictions.length === 0) return null;
  return {
    title: 'What to add next',
    head: [
      'replicas',
      'issued/s',
      'nearest to its limit besides them',
      'twice as many: predicted',
      'measured',
      'measured ÷ predicted',
    ],
    rows: predictions.map(({ replicas, issued, next, twice, measured }) => ({
      cells: [
        cell(String(replicas)),
        cell(rate(issued)),
        { text: next ? `${component(next.part)}, ${percent(next.utilisation)}` : '–', align: 'left' },
        cell(rate(twice)),
        cell(rate(measured)),
        cell(percent(measured === null ? null : measured / twice)),
      ],
    })),
  };
}
