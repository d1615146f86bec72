import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../common/json-file.js';
import { resultsFolder } from '../../common/paths.js';
import type { BenchResult } from '../results.js';
import { PARTS, type CpuPerCoupon } from './model.js';

export interface MeasuredCpu {
  /** Each user on a fresh connection, as in a rush. */
  readonly fresh: CpuPerCoupon;
  /** Connections kept, as in a steady stream. */
  readonly kept: CpuPerCoupon;
  /** Rows a second of one worker. */
  readonly drainPerSecond: number | undefined;
  readonly from: string;
}

const cpuOf = (cpuUs: Readonly<Record<string, { median: number }>> | undefined): CpuPerCoupon | undefined => {
  if (!cpuUs || PARTS.some((part) => !cpuUs[part])) return undefined;
  return Object.fromEntries(PARTS.map((part) => [part, cpuUs[part]!.median])) as unknown as CpuPerCoupon;
};

/** From a result of `make bench`. @throws when there is none, or one without the whole system */
export function readMeasured(file = join(resultsFolder('bench'), 'latest.json')): MeasuredCpu {
  if (!existsSync(file)) throw new Error(`${file} is not there: run \`make bench\` first`);
  const result = readJson<BenchResult>(file);
  const system = result.rows.find(({ id }) => id === 'system');
  const kept = cpuOf(system?.kept?.cpuUs);
  const fresh = cpuOf(system?.burst?.cpuUs) ?? kept;
  if (!kept || !fresh) throw new Error(`${file} has no figures of the whole system: run \`make bench\``);
  const from = `${result.at}, ${result.environment.cpus} × ${result.environment.cpuModel}`;
  return { fresh, kept, drainPerSecond: result.specials.writing?.worker.rowsPerSecond, from };
}
