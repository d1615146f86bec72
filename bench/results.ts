import { join } from 'node:path';
import { toJson, writeWhole } from '../common/json-file.js';
import type { Machine } from '../common/machine.js';
import { resultsFolder } from '../common/paths.js';
import type { StackVersions } from '../stack/types.js';
import type { SubjectResult } from './measure.js';
import type { CapacityCheck } from './measurements/capacity-check.js';
import type { FirstBurst } from './measurements/first-burst.js';
import type { Peak } from './measurements/peak.js';
import type { RedisNoop } from './measurements/redis-noop.js';
import type { RowsWritten, WritingWay } from './measurements/writing.js';
import type { Plan } from './plan.js';
import type { Target } from './targets.js';

/** What is measured in other ways than as a subject. Undefined: not part of this run, see `notes`. */
export interface Measurements {
  readonly redisNoop?: RedisNoop;
  readonly writing?: Readonly<Record<WritingWay | 'worker', RowsWritten>> | undefined;
  readonly threeReplicasPerSecond?: number | undefined;
  readonly peaks?: Readonly<Record<'baseline' | 'system', Peak>> | undefined;
  readonly bytesPerCoupon?: number | undefined;
  readonly firstBurst?: Readonly<Record<'cold' | 'warm', FirstBurst>> | undefined;
  /** Predicted and measured at other sizes, see docs/capacity.md. */
  readonly capacity?: readonly CapacityCheck[] | undefined;
  /** 0 to 1. */
  readonly telemetry?: number | undefined;
}

export interface BenchResult {
  readonly at: string;
  readonly form: Plan['form'];
  readonly environment: StackVersions & Machine;
  /** What was left out of this run, and why. */
  readonly notes: readonly string[];
  readonly plan: Plan;
  readonly targets: readonly Target[];
  /** Of the subjects. `rows` and `specials` are the names in results that were stored before, which capacity/ reads too. */
  readonly rows: readonly SubjectResult[];
  readonly specials: Measurements;
}

const shorten = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;

/** Writes one file for this run and the same as latest.json. Returns the path of the first. */
export function writeResult(result: BenchResult, folder = resultsFolder('bench')): string {
  const text = toJson(result, shorten);
  const file = join(folder, `${result.at.replaceAll(/[:.]/g, '-')}-${result.form}.json`);
  for (const path of [file, join(folder, 'latest.json')]) writeWhole(path, text);
  return file;
}
