import { FAULTS } from '../loadtest/audit.js';
import type { AuditFigures, CpuUse, RunRecord, SampleCounts } from './types.js';

export interface Judged {
  readonly audit: AuditFigures;
  readonly droppedIterations: number;
  readonly samples: SampleCounts;
}

/** Every fault an audit found, with its count; empty when there is none. What an old run did not check counts as none. */
export const foundFaults = (audit: AuditFigures): string[] =>
  FAULTS.map((name) => [name, audit[name] ?? 0] as const)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);

export const isAuditClean = (audit: AuditFigures): boolean =>
  foundFaults(audit).length === 0 && audit.persistedAfterMs !== null;

/** Why a run does not count, in words; empty when it does. A run that failed the users is a result, not invalid. */
export function invalidReasons({ audit, droppedIterations, samples }: Judged): string[] {
  const found = foundFaults(audit);
  const reasons: string[] = [];
  if (found.length > 0) reasons.push(`the audit is not clean (${found.join(', ')})`);
  if (audit.persistedAfterMs === null) reasons.push('not everything issued was in MySQL in time');
  if (droppedIterations > 0) reasons.push(`k6 dropped ${droppedIterations} iterations`);
  if (samples.influxdb !== null && samples.influxdb < samples.k6) {
    reasons.push(`InfluxDB has ${samples.influxdb} of ${samples.k6} samples`);
  }
  return reasons;
}

/** A replica that used less of its cap had too little to do; readings are in steps of 10 ms, a twentieth of a slice's CPU. */
const LEAST_USED = 0.85;
/** Of the machine's CPU: more than that robs a slice. This program and the kernel alone are below half of it. */
const MOST_STOLEN = 0.02;
const MOST_OTHERS = 0.06;

export interface Slice extends Pick<RunRecord, 'cpu' | 'answers'> {
  /** Shares of the machine; others: null where they cannot be told from k6. */
  readonly stolen: number;
  readonly others: number | null;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const leastOf = (cpu: readonly CpuUse[]): number =>
  cpu.find(({ component }) => component === 'api')?.leastUtilisation ?? 0;

/** Why a slice of saturation is no measure of its replicas, in words; empty when it is. */
export function unsaturatedReasons({ cpu, answers, stolen, others }: Slice): string[] {
  const { issued, ...refused } = answers;
  const notIssued = Object.values(refused).reduce((sum, count) => sum + count, 0);
  const reasons: string[] = [];
  if (notIssued > 0) reasons.push(`${notIssued} of ${issued + notIssued} requests were not issued a coupon`);
  if (leastOf(cpu) < LEAST_USED)
    reasons.push(`not saturated: a replica used ${percent(leastOf(cpu))} of its CPU`);
  if (stolen > MOST_STOLEN) reasons.push(`robbed: the host took ${percent(stolen)} of the CPU`);
  if (others !== null && others > MOST_OTHERS)
    reasons.push(`robbed: other programs used ${percent(others)} of the CPU`);
  return reasons;
}
