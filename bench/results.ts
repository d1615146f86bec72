import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../stack/paths.js';
import type { StackVersions } from '../stack/types.js';
import type { RowResult } from './measure.js';
import type { Plan } from './plan.js';
import type { Specials } from './specials/index.js';
import type { Target } from './targets.js';

export interface BenchResult {
  readonly at: string;
  readonly form: Plan['form'];
  readonly environment: StackVersions & {
    readonly cpus: number;
    readonly cpuModel: string;
    readonly memoryGiB: number;
  };
  /** What was left out of this run, and why. */
  readonly notes: readonly string[];
  readonly plan: Plan;
  readonly targets: readonly Target[];
  readonly rows: readonly RowResult[];
  readonly specials: Specials;
}

export const resultsFolder = join(projectRoot, 'bench', 'results');

export const machine = (versions: StackVersions): BenchResult['environment'] => ({
  ...versions,
  cpus: cpus().length,
  cpuModel: cpus()[0]?.model ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
});

const precision = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;

/** Writes one file for this run and the same as latest.json. Returns the path of the first. */
export function writeResult(result: BenchResult, folder = resultsFolder): string {
  mkdirSync(folder, { recursive: true });
  const text = `${JSON.stringify(result, precision, 2)}\n`;
  const file = join(folder, `${result.at.replaceAll(/[:.]/g, '-')}-${result.form}.json`);
  for (const path of [file, join(folder, 'latest.json')]) writeFileSync(path, text);
  return file;
}
