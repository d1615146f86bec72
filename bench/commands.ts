import { say } from '../common/command-line.js';
import { runBench, type Part } from './bench.js';
import { describeNeed } from './capacity/describe.js';
import { readMeasured } from './capacity/measured.js';
import { computeNeed } from './capacity/model.js';
import { choosePlan } from './plan.js';
import { describeResult } from './report.js';
import { writeResult } from './results.js';
import { withServers } from './system/servers.js';

export interface BenchCommandOptions {
  readonly quick: boolean;
  readonly parts: readonly Part[];
  /** Ids; absent: all. */
  readonly subjects?: readonly string[];
  readonly peakRounds?: number;
  /** Whether the result is written to `bench/results/`. */
  readonly write: boolean;
}

export async function bench(options: BenchCommandOptions): Promise<void> {
  const began = Date.now();
  const report = (line: string) => console.error(`[${Math.round((Date.now() - began) / 1000)} s] ${line}`);
  const chosen = choosePlan(options.quick ? 'quick' : 'full');
  const plan = { ...chosen, peakRounds: options.peakRounds ?? chosen.peakRounds };
  const result = await withServers(report, (servers) =>
    runBench(servers, { plan, parts: options.parts, only: options.subjects }),
  );
  say(describeResult(result));
  if (options.write) say(`\nWritten to ${writeResult(result)}`);
}

export interface CapacityOptions {
  readonly users: number;
  readonly seconds: number;
  /** Whether users keep their connections, instead of a fresh one for each. */
  readonly kept: boolean;
  /** A result of the bench; absent: the last one. */
  readonly from?: string;
}

/** How many cores a rush takes, from the CPU per coupon that `make bench` measured. */
export function capacity({ users, seconds, kept, from }: CapacityOptions): void {
  const rush = { users, seconds };
  const measured = readMeasured(from);
  const need = computeNeed(rush, kept ? measured.kept : measured.fresh);
  say(describeNeed(rush, need, measured.from, measured.drainPerSecond));
}
