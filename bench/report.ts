import { formatNumber } from '../common/format.js';
import type { Spread } from '../common/statistics.js';
import { table } from '../common/table.js';
import type { RowResult } from './measure.js';
import type { Specials } from './specials/index.js';
import type { Target } from './targets.js';

const whole = (value: number): string => formatNumber(value, 0);
const micros = (value: number): string => (value < 10 ? value.toFixed(1) : whole(value));
const percent = (share: number): string => `±${Math.round(share * 50)} %`;

const cpuText = (cpuUs: Readonly<Record<string, Spread>>): string =>
  Object.entries(cpuUs)
    .map(([service, { median }]) => `${service} ${micros(median)}`)
    .join(', ');

function keptTable(rows: readonly RowResult[]): string {
  const head = ['', 'requests/s', 'spread', 'p50 ms', 'p99 ms', 'µs of CPU per request'];
  const lines = rows.flatMap(({ what, kept }) => {
    if (!kept) return [];
    const { requestsPerSecond: rate, latencyMs, cpuUs } = kept;
    const latency = [latencyMs.p50.toFixed(1), latencyMs.p99.toFixed(1)];
    return [[what, whole(rate.median), percent(rate.spread), ...latency, cpuText(cpuUs)]];
  });
  return table([head, ...lines]);
}

function burstTable(rows: readonly RowResult[]): string {
  const head = ['', 'last answer ms', 'spread', 'answered', 'µs of CPU per request'];
  const lines = rows.flatMap(({ what, burst }) => {
    if (!burst) return [];
    const answered = `${whole(burst.answered)} of ${whole(burst.asked)}`;
    const { lastAnswerMs } = burst;
    return [[what, whole(lastAnswerMs.median), percent(lastAnswerMs.spread), answered, cpuText(burst.cpuUs)]];
  });
  return lines.length === 0 ? '' : table([head, ...lines]);
}

function writingTable({ writing, threeReplicasPerSecond }: Specials): string {
  if (!writing) return '';
  const names = {
    create: 'Prisma create, one row a transaction',
    createMany: 'Prisma createMany, 1,000 rows',
    driver: 'mariadb driver, batched INSERT, 1,000 rows',
    worker: 'our worker, a full stream',
  } as const;
  const lines = Object.entries(names).map(([key, name]) => {
    const { rowsPerSecond, writerCpuUs, databaseCpuUs } = writing[key as keyof typeof names];
    return [name, whole(rowsPerSecond), micros(writerCpuUs), micros(databaseCpuUs)];
  });
  const three =
    threeReplicasPerSecond === undefined
      ? []
      : [['(three replicas issue)', whole(threeReplicasPerSecond), '', '']];
  return table([['', 'rows/s', 'writer µs/row', 'database µs/row'], ...lines, ...three]);
}

function capacityTable({ capacity }: Specials): string {
  if (!capacity) return '';
  const lines = capacity.map((check) => [
    `${whole(check.users)} users`,
    `${check.predictedCpuSeconds.toFixed(2)} ÷ ${check.measuredCpuSeconds.toFixed(2)} s`,
    (check.predictedCpuSeconds / check.measuredCpuSeconds).toFixed(2),
    `${whole(check.predictedMs)} ÷ ${whole(check.measuredMs)} ms`,
    (check.predictedMs / check.measuredMs).toFixed(2),
  ]);
  return table([
    ['', 'CPU of all parts, predicted ÷ measured', '', 'last answer, predicted ÷ measured', ''],
    ...lines,
  ]);
}

const ratioText = ({ id, ratio }: Target): string =>
  ratio === null
    ? 'not measured'
    : id === '7'
      ? `${(ratio * 100).toFixed(1)} %`
      : ratio.toFixed(ratio < 1 ? 3 : 2);

const targetTable = (targets: readonly Target[]): string =>
  table([
    ['', 'target', 'value', 'wanted', ''],
    ...targets.map((target) => [
      target.id,
      target.what,
      ratioText(target),
      target.id === '7' ? '≤ 10 %' : target.target,
      target.met === null ? '–' : target.met ? 'met' : 'MISSED',
    ]),
  ]);

export function describe(rows: readonly RowResult[], specials: Specials, targets: readonly Target[]): string {
  const { redisNoop, peaks } = specials;
  const parts: [string, string][] = [
    ['Kept connections', keptTable(rows)],
    ['Burst of fresh connections', burstTable(rows)],
    ['Rows into the database', writingTable(specials)],
    [
      'Redis, a script that does nothing (redis-benchmark)',
      redisNoop
        ? `${whole(redisNoop.callsPerSecond)} calls/s, ${micros(redisNoop.cpuUs)} µs of CPU per call`
        : '',
    ],
    [
      'k6 peak, first request to last answer',
      peaks
        ? `system ${whole(peaks.system.makespanMs)} ms (p95 ${whole(peaks.system.p95Ms)} ms), ` +
          `nginx return 200 ${whole(peaks.floor.makespanMs)} ms (p95 ${whole(peaks.floor.p95Ms)} ms)`
        : '',
    ],
    ['Capacity, predicted from the burst of 10,000', capacityTable(specials)],
    ['Targets', targetTable(targets)],
  ];
  return parts
    .filter(([, text]) => text !== '')
    .map(([title, text]) => `${title}\n${text}`)
    .join('\n\n');
}
