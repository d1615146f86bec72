import { FAULTS } from '../loadtest/audit.js';
import type { AuditFigures, SampleCounts } from './types.js';

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
