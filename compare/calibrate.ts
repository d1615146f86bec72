import type { Bench, Load } from './context.js';
import { measureRun } from './measure-run.js';
import { prepare } from './prepare.js';
import { isValid } from './summarise.js';
import type { CpuCap } from './types.js';

/**
 * Of the CPU that all replicas together used in an uncapped peak: little enough that generator and nginx have room, and
 * the replicas are what limits.
 */
const SHARE = 0.3;
const LEAST = 0.02;
const USERS = 4_000;
/** Other programs can only make an answer dearer: the cheapest of so many peaks is nearest to what it costs. */
const PEAKS = 3;

export interface Calibration {
  readonly cap: CpuCap;
  /** What the largest count is expected to answer under the cap, a second. */
  readonly expectedTps: number;
}

/** Steps of half a hundredth, so that two calibrations of one machine seldom differ. */
const round = (cpus: number): number => Math.max(LEAST, Math.round(cpus * 200) / 200);

interface Seen {
  /** Coupons a second. */
  readonly tps: number;
  /** Seconds of replica CPU for each coupon. */
  readonly cost: number;
}

/**
 * The best of several peaks.
 *
 * @throws when none of them counts, with the reasons
 */
async function peaks(bench: Bench, replicas: number, cap: number | null): Promise<Seen> {
  const load: Load = { scenario: 'peak', users: USERS };
  let best: Seen = { tps: 0, cost: Infinity };
  let faults: readonly string[] = [];
  for (let peak = 0; peak < PEAKS; peak += 1) {
    const cell = { replicas, round: 0, attempt: 1, cap };
    const { run } = await measureRun(bench, load, cell, { comparison: 'calibration' });
    if (!isValid(run)) {
      faults = run.invalid;
      continue;
    }
    const seconds = run.cpu.find(({ component }) => component === 'api')?.seconds ?? 0;
    const cost = seconds / Math.max(1, run.answers.issued);
    best = { tps: Math.max(best.tps, run.tps), cost: Math.min(best.cost, cost) };
  }
  if (best.tps === 0) throw new Error(`No peak of the calibration counts: ${faults.join('; ')}`);
  return best;
}

/** Why such a cap cannot be set on this machine; null when it can. */
async function capFault({ caps }: Bench, cpus: number): Promise<string | null> {
  const fault = await caps.set(cpus);
  await caps.lift();
  return fault;
}

const micros = (seconds: number): string => `${Math.round(seconds * 1e6)} µs`;

/**
 * Chooses the cap from uncapped peaks with the largest count, which show what generator, nginx and replicas together can
 * do on this machine; then sees what an answer costs under it (small batches, cold caches: about twice as much).
 *
 * @param given a cap chosen by hand; 0: none
 */
export async function calibrate(bench: Bench, largest: number, given: number | null): Promise<Calibration> {
  bench.say(
    `Calibration: ${PEAKS} uncapped peaks of ${USERS} users with ${largest} replicas, then under the cap`,
  );
  await prepare(bench, largest, null);
  const free = await peaks(bench, largest, null);
  const seen = `uncapped, ${largest} replicas issued ${Math.round(free.tps)}/s for ${micros(free.cost)} of replica CPU each`;
  const without = (note: string): Calibration => {
    bench.say(`  ${seen}; ${note}`);
    return { cap: { cpus: null, how: 'none', note }, expectedTps: free.tps };
  };
  const cpus = given ?? round((SHARE * free.tps * free.cost) / largest);
  if (cpus === 0) return without('Asked for without a cap.');
  const fault = await capFault(bench, cpus);
  if (fault !== null) return without(`A cap of ${cpus} CPU could not be set (${fault}).`);
  const capped = await peaks(bench, largest, cpus);
  bench.say(`  ${seen}; under a cap of ${cpus} CPU each for ${micros(capped.cost)}`);
  const how = given === null ? 'calibrated' : 'given';
  const note =
    how === 'calibrated'
      ? `Calibrated: ${seen}; the cap leaves them ${Math.round(SHARE * 100)} % of the CPU they used then.`
      : `Given by hand; ${seen}.`;
  const expectedTps = (cpus * largest) / Math.max(capped.cost, 1e-6);
  return { cap: { cpus, how, note }, expectedTps };
}
