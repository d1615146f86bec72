import type { Bench, Load } from './context.js';
import { measureRun } from './measure-run.js';
import { prepare } from './prepare.js';
import type { CpuCap } from './types.js';

/**
 * Of the CPU that all replicas together used in an uncapped peak: little enough that generator and nginx have room, and
 * the replicas are what limits.
 */
const SHARE = 0.35;
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

/** The best of several peaks. */
async function peaks(bench: Bench, replicas: number, cap: number | null): Promise<Seen> {
  const load: Load = { scenario: 'peak', users: USERS };
  let best: Seen = { tps: 0, cost: Infinity };
  for (let peak = 0; peak < PEAKS; peak += 1) {
    const cell = { replicas, round: 0, attempt: 1, cap };
    const { run } = await measureRun(bench, load, cell, { comparison: 'calibration' });
    const seconds = run.cpu.find(({ component }) => component === 'api')?.seconds ?? 0;
    const cost = seconds / Math.max(1, run.answers.issued);
    best = { tps: Math.max(best.tps, run.tps), cost: Math.min(best.cost, cost) };
  }
  return best;
}

const micros = (seconds: number): string => `${Math.round(seconds * 1e6)} µs`;

/**
 * Chooses the cap from uncapped peaks with the largest count, which show what generator, nginx and replicas together can
 * do on this machine; then sees what an answer costs under it (small batches, cold caches: about twice as much).
 *
 * @param given a cap chosen by hand; 0: none
 */
export async function calibrate(bench: Bench, largest: number, given: number | null): Promise<Calibration> {
  bench.say(`Calibration: uncapped peaks of ${USERS} users with ${largest} replicas, then under the cap`);
  await prepare(bench, largest, null);
  const free = await peaks(bench, largest, null);
  const cpus = given ?? round((SHARE * free.tps * free.cost) / largest);
  const capped = cpus > 0 ? await peaks(bench, largest, cpus) : free;
  const expectedTps = cpus > 0 ? (cpus * largest) / Math.max(capped.cost, 1e-6) : free.tps;
  const seen = `uncapped, ${largest} replicas issued ${Math.round(free.tps)}/s for ${micros(free.cost)} of replica CPU each`;
  if (cpus === 0) {
    bench.say(`  ${seen}; no cap`);
    return { cap: { cpus: null, how: 'none', note: 'Asked for without a cap.' }, expectedTps };
  }
  bench.say(`  ${seen}; under a cap of ${cpus} CPU each for ${micros(capped.cost)}`);
  const note =
    given === null
      ? `Calibrated: ${seen}; the cap leaves them ${Math.round(SHARE * 100)} % of the CPU they used then.`
      : `Given by hand; ${seen}.`;
  return { cap: { cpus, how: given === null ? 'calibrated' : 'given', note }, expectedTps };
}
