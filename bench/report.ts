import { formatNumber } from '../common/format.js';
import type { Spread } from '../common/statistics.js';
import { table } from '../common/table.js';
import type { SubjectResult } from './measure.js';
import type { Peak } from './measurements/peak.js';
import type { BenchResult, Measurements } from './results.js';
import type { Target } from './targets.js';

const formatWhole = (value: number): string => formatNumber(value, 0);
const formatMicros = (value: number): string => (value < 10 ? value.toFixed(1) : formatWhole(value));
const formatSpread = ({ spread }: Spread): string => `±${Math.round(spread * 50)} %`;

const formatCpu = (cpuUs: Readonly<Record<string, Spread>>): string =>
  Object.entries(cpuUs)
    .map(([service, { median }]) => `${service} ${formatMicros(median)}`)
    .join(', ');

/** Empty without lines. */
const tableUnder = (head: string[], lines: string[][]): string =>
  lines.length === 0 ? '' : table([head, ...lines]);

function describeKept(subjects: readonly SubjectResult[]): string {
  const lines = subjects.flatMap(({ what, kept }) => {
    if (!kept) return [];
    const { requestsPerSecond: rate, latencyMs, cpuUs } = kept;
    const latency = [latencyMs.p50.toFixed(1), latencyMs.p99.toFixed(1)];
    return [[what, formatWhole(rate.median), formatSpread(rate), ...latency, formatCpu(cpuUs)]];
  });
  return tableUnder(['', 'requests/s', 'spread', 'p50 ms', 'p99 ms', 'µs of CPU per request'], lines);
}

function describeBursts(subjects: readonly SubjectResult[]): string {
  const lines = subjects.flatMap(({ what, burst }) => {
    if (!burst) return [];
    const { lastAnswerMs, cpuUs } = burst;
    const answered = `${formatWhole(burst.answered)} of ${formatWhole(burst.asked)}`;
    return [[what, formatWhole(lastAnswerMs.median), formatSpread(lastAnswerMs), answered, formatCpu(cpuUs)]];
  });
  return tableUnder(['', 'last answer ms', 'spread', 'answered', 'µs of CPU per request'], lines);
}

const WRITERS = {
  create: 'Prisma create, one row a transaction',
  createMany: 'Prisma createMany, 1,000 rows',
  driver: 'mariadb driver, batched INSERT, 1,000 rows',
  worker: 'our worker, a full stream',
} as const;

function describeWriting({ writing, threeReplicasPerSecond }: Measurements): string {
  if (!writing) return '';
  const lines = Object.entries(WRITERS).map(([way, name]) => {
    const { rowsPerSecond, writerCpuUs, databaseCpuUs } = writing[way as keyof typeof WRITERS];
    return [name, formatWhole(rowsPerSecond), formatMicros(writerCpuUs), formatMicros(databaseCpuUs)];
  });
  const issued = formatWhole(threeReplicasPerSecond ?? Number.NaN);
  lines.push(['(three replicas issue)', issued, '', '']);
  return tableUnder(['', 'rows/s', 'writer µs/row', 'database µs/row'], lines);
}

function describeCapacity({ capacity = [] }: Measurements): string {
  const lines = capacity.map((check) => [
    `${formatWhole(check.users)} users`,
    `${check.predictedCpuSeconds.toFixed(2)} ÷ ${check.measuredCpuSeconds.toFixed(2)} s`,
    (check.predictedCpuSeconds / check.measuredCpuSeconds).toFixed(2),
    `${formatWhole(check.predictedMs)} ÷ ${formatWhole(check.measuredMs)} ms`,
    (check.predictedMs / check.measuredMs).toFixed(2),
  ]);
  const head = ['', 'CPU of all parts, predicted ÷ measured', '', 'last answer, predicted ÷ measured', ''];
  return tableUnder(head, lines);
}

function describePeaks({ peaks }: Measurements): string {
  if (!peaks) return '';
  const describe = ({ makespanMs, p95Ms, rounds }: Peak) => {
    const each = rounds.map((round) => formatWhole(round.makespanMs)).join(', ');
    return [`${formatWhole(makespanMs)} of ${each}`, formatWhole(p95Ms)];
  };
  return table([
    ['', 'ms', 'p95 ms'],
    ['system', ...describe(peaks.system)],
    ['nginx return 200', ...describe(peaks.baseline)],
  ]);
}

const describeFirstBurst = ({ firstBurst }: Measurements): string =>
  firstBurst
    ? table([
        ['', 'last answer', 'API CPU per issue'],
        ...(['cold', 'warm'] as const).map((kind) => {
          const { lastAnswer, apiCpu } = firstBurst[kind];
          return [
            kind === 'warm' ? 'as it starts' : 'without its warm-up',
            lastAnswer.toFixed(2),
            apiCpu.toFixed(2),
          ];
        }),
      ])
    : '';

function formatRatio({ id, ratio }: Target): string {
  if (ratio === null) return 'not measured';
  return id === '7' ? `${(ratio * 100).toFixed(1)} %` : ratio.toFixed(ratio < 1 ? 3 : 2);
}

const describeTargets = (targets: readonly Target[]): string =>
  table([
    ['', 'target', 'value', 'wanted', ''],
    ...targets.map((target) => [
      target.id,
      target.what,
      formatRatio(target),
      target.id === '7' ? '≤ 10 %' : target.target,
      target.met === null ? '–' : target.met ? 'met' : 'MISSED',
    ]),
  ]);

const describeNoop = ({ redisNoop: noop }: Measurements): string =>
  noop ? `${formatWhole(noop.callsPerSecond)} calls/s, ${formatMicros(noop.cpuUs)} µs of CPU per call` : '';

/** For people. */
export function describeResult({ rows, specials, targets, notes }: BenchResult): string {
  const parts = [
    ['Kept connections', describeKept(rows)],
    ['Burst of fresh connections', describeBursts(rows)],
    ['Fresh replica, first burst ÷ sixth', describeFirstBurst(specials)],
    ['Rows into the database', describeWriting(specials)],
    ['Redis, a script that does nothing (redis-benchmark)', describeNoop(specials)],
    ['k6 peak, first request to last answer, median of the rounds', describePeaks(specials)],
    ['Capacity, predicted from the burst of 10,000', describeCapacity(specials)],
    ['Targets', describeTargets(targets)],
    ['Notes', notes.join('\n')],
  ];
  return parts
    .filter(([, text]) => text !== '')
    .map(([title, text]) => `${title}\n${text}`)
    .join('\n\n');
}
