import { join } from 'node:path';
import { toJson, writeWhole } from '../common/json-file.js';
import type { Machine } from '../common/machine.js';
import { resultsFolder } from '../common/paths.js';
import type { StackVersions } from '../stack/types.js';
import type { RowResult } from './measure.js';
import type { Plan } from './plan.js';
import type { Specials } from './specials/index.js';
import type { Target } from './targets.js';

export interface BenchResult {
  readonly at: string;
  readonly form: Plan['form'];
  readonly environment: StackVersions & Machine;
  /** What was left out of this run, and why. */
  readonly notes: readonly string[];
  readonly plan: Plan;
  readonly targets: readonly Target[];
  readonly rows: readonly RowResult[];
  readonly specials: Specials;
}

const precision = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;

/** Writes one file for this run and the same as latest.json. Returns the path of the first. */
export function writeResult(result: BenchResult, folder = resultsFolder('bench')): string {
  const text = toJson(result, precision);
  const file = join(folder, `${result.at.replaceAll(/[:.]/g, '-')}-${result.form}.json`);
  for (const path of [file, join(folder, 'latest.json')]) writeWhole(path, text);
  return file;
}
