import { formatNumber } from '../common/format.js';
import type { Latency } from '../common/statistics.js';
import { table } from '../common/table.js';
import { FAULTS, type Audit } from './audit.js';
import type { RunResult } from './result.js';
import type { GeneratorFigures } from './saturation.js';

type Row = readonly [name: string, value: string];

const ms = (value: number | null): string => (value === null ? '–' : `${formatNumber(Math.round(value))} ms`);
const latency = ({ p50, p95, p99, max }: Latency): string =>
  `p50 ${ms(p50)} · p95 ${ms(p95)} · p99 ${ms(p99)} · max ${ms(max)}`;

const auditLine = (result: Audit): string =>
  FAULTS.map((fault) => `${fault} ${formatNumber(result[fault])}`).join(' · ');

/** The result of a run for people. */
export function describeRun(result: RunResult): string {
  const { answers, environment: machine } = result;
  const cpu = Object.entries(result.cpuMicrosPerAnswer).map(
    ([kind, micros]) => `${kind} ${formatNumber(micros)} µs`,
  );
  const rows: Row[] = [
    ['run', `${result.testid} (coupon ${result.couponId}, ${result.mode}, ${result.replicas} api replicas)`],
    ['users, stock', `${formatNumber(result.users)} users for ${formatNumber(result.stock)} coupons`],
    [
      'answers',
      Object.entries(answers)
        .map(([kind, count]) => `${kind}: ${formatNumber(count)}`)
        .join(' · '),
    ],
    ['first request to last answer', ms(result.makespanMs)],
    [
      'coupons a second',
      `${formatNumber(result.tps)} (all answers: ${formatNumber(result.answersPerSecond)})`,
    ],
    ['latency of definite answers', latency(result.latencyMs)],
  ];
  if (result.latencyByOutcomeMs.rejected.max !== null) {
    rows.push(['  of coupons', latency(result.latencyByOutcomeMs.issued)]);
    rows.push(['  of rejections', latency(result.latencyByOutcomeMs.rejected)]);
  }
  if (result.rate) {
    rows.push([
      'arrivals a second',
      `set ${formatNumber(result.rate.set)}, reached ${formatNumber(result.rate.reached)}`,
    ]);
  }
  for (const generator of result.generators) rows.push(describeGenerator(generator));
  if (cpu.length > 0) rows.push(['CPU for each answer', cpu.join(' · ')]);
  rows.push(
    ['in MySQL after the last answer', ms(result.audit.persistedAfterMs)],
    ['audit', auditLine(result.audit)],
    ['unknown outcomes, resolved', formatNumber(result.audit.unknownResolved)],
    [
      'machine',
      `${machine.cpus} CPUs, ${machine.memoryGiB} GiB, Node ${machine.node}, k6 ${machine.k6}, Redis ${machine.redis}, ` +
        `${machine.database}, nginx ${machine.nginx}`,
    ],
  );
  if (result.loadBefore > machine.cpus) {
    rows.push(['mind', `the machine was busy before the run (load ${result.loadBefore.toFixed(1)})`]);
  }
  return table(rows, '  ');
}

function describeGenerator(one: GeneratorFigures): Row {
  const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)} %`);
  const started = one.startedLateMs === null ? '' : ` · first after ${ms(one.startedLateMs)}`;
  const clock = one.clockAheadMs;
  return [
    `generator ${one.segment}`,
    `${formatNumber(one.users)} users${started} · last sent after ${ms(one.lastSentMs)} · ${percent(one.cpuShare)} of ` +
      `${one.cpus} CPUs, held back ${percent(one.throttledShare)}` +
      (clock === null ? '' : ` · clock ${clock.atLeast} to ${clock.atMost} ms ahead of Redis's`),
  ];
}

const MOST_SENTENCES = 10;

/** What the audit found, in words, at most some sentences of each kind. */
export function auditFaults(result: Audit): string[] {
  return FAULTS.filter((fault) => result[fault] > 0).map((fault) => {
    const sentences = result.details[fault] ?? [];
    const shown = sentences.slice(0, MOST_SENTENCES).map((sentence) => `\n    ${sentence}`);
    const more =
      sentences.length > MOST_SENTENCES ? `\n    and ${sentences.length - MOST_SENTENCES} more` : '';
    return `audit: ${fault} ${result[fault]}${shown.join('')}${more}`;
  });
}

export const describeAudit = (result: Audit): string =>
  table(
    [
      ...FAULTS.map((fault) => [fault, formatNumber(result[fault])]),
      ['unknown outcomes, resolved', formatNumber(result.unknownResolved)],
    ],
    '  ',
  );
