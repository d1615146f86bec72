import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../common/json-file.js';
import { resultsFolder } from '../../common/paths.js';
import type { BenchResult } from '../results.js';
import { PARTS, type CpuPerCoupon } from './model.js';

const readCpuPerCoupon = (
  cpuUs: Readonly<Record<string, { median: number }>> | undefined,
): CpuPerCoupon | undefined => {
  if (!cpuUs || PARTS.some((part) => !cpuUs[part])) return undefined;
  return Object.fromEntries(PARTS.map((part) => [part, cpuUs[part]!.median])) as unknown as CpuPerCoupon;
};

/**
 * From a result of `make bench`: `fresh` with each user on a fresh connection, as in a rush, `kept` with connections kept, as
 * in a steady stream; rows a second of one worker.
 *
 * @throws when there is none, or one without the whole system
 */
export function readMeasured(file = join(resultsFolder('bench'), 'latest.json')) {
  if (!existsSync(file)) throw new Error(`${file} is not there: run \`make bench\` first`);
  const result = readJson<BenchResult>(file);
  const system = result.rows.find(({ id }) => id === 'system');
  const kept = readCpuPerCoupon(system?.kept?.cpuUs);
  const fresh = readCpuPerCoupon(system?.burst?.cpuUs) ?? kept;
  if (!kept || !fresh) throw new Error(`${file} has no figures of the whole system: run \`make bench\``);
  const from = `${result.at}, ${result.environment.cpus} × ${result.environment.cpuModel}`;
  return { fresh, kept, drainPerSecond: result.specials.writing?.worker.rowsPerSecond, from };
}
