import { FAULTS, type Audit } from './audit.js';
import type { Latency } from './answers.js';
import type { RunResult } from './result.js';

type Row = readonly [name: string, value: string];

export const number = (value: number): string => value.toLocaleString('en-US');
const ms = (value: number | null): string => (value === null ? '–' : `${number(Math.round(value))} ms`);
const latency = ({ p50, p95, p99, max }: Latency): string =>
  `p50 ${ms(p50)} · p95 ${ms(p95)} · p99 ${ms(p99)} · max ${ms(max)}`;

/** Two columns, the first as wide as its longest name. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

const auditLine = (result: Audit): string =>
  FAULTS.map((fault) => `${fault} ${number(result[fault])}`).join(' · ');

/** The result of a run for people. */
export function describeRun(result: RunResult): string {
  const { answers, environment: machine } = result;
  const cpu = Object.entries(result.cpuMicrosPerAnswer).map(
    ([kind, micros]) => `${kind} ${number(micros)} µs`,
  );
  const rows: Row[] = [
    ['run', `${result.testid} (coupon ${result.couponId}, ${result.mode}, ${result.replicas} api replicas)`],
    ['warm-up', `${number(result.warmUpUsers)} users for each replica`],
    ['users, stock', `${number(result.users)} users for ${number(result.stock)} coupons`],
    [
      'answers',
      Object.entries(answers)
        .map(([kind, count]) => `${kind}: ${number(count)}`)
        .join(' · '),
    ],
    ['first request to last answer', ms(result.makespanMs)],
    ['coupons a second', `${number(result.tps)} (all answers: ${number(result.answersPerSecond)})`],
    ['latency of definite answers', latency(result.latencyMs)],
  ];
  if (result.latencyByOutcomeMs.rejected.max !== null) {
    rows.push(['  of coupons', latency(result.latencyByOutcomeMs.issued)]);
    rows.push(['  of rejections', latency(result.latencyByOutcomeMs.rejected)]);
  }
  if (result.rate) {
    rows.push([
      'arrivals a second',
      `set ${number(result.rate.set)}, reached ${number(result.rate.reached)}`,
    ]);
  }
  if (cpu.length > 0) rows.push(['CPU for each answer', cpu.join(' · ')]);
  rows.push(
    ['in MySQL after the last answer', ms(result.audit.persistedAfterMs)],
    ['audit', auditLine(result.audit)],
    ['unknown outcomes, resolved', number(result.audit.unknownResolved)],
    [
      'machine',
      `${machine.cpus} CPUs, ${machine.memoryGiB} GiB, Node ${machine.node}, k6 ${machine.k6}, Redis ${machine.redis}, ` +
        `${machine.database}, nginx ${machine.nginx}`,
    ],
  );
  if (result.loadBefore > machine.cpus) {
    rows.push(['mind', `the machine was busy before the run (load ${result.loadBefore.toFixed(1)})`]);
  }
  return table(rows);
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
  table([
    ...FAULTS.map((fault) => [fault, number(result[fault])] as const),
    ['unknown outcomes, resolved', number(result.unknownResolved)],
  ]);
