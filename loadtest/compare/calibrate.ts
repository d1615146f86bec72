import type { Bench, Load } from './context.js';
import { measureRun } from './measure-run.js';
import { prepare } from './prepare.js';
import type { CpuCap } from './types.js';

/** Of what the whole machine could do uncapped, generator and nginx included: enough room for bursts. */
const SHARE = 0.3;
const LEAST = 0.02;
const USERS = 4_000;
/** A capped replica spends more on each answer than a free one: small batches, cold caches, every wake-up from a throttle. */
const OVERHEAD = 1.25;

export interface Calibration {
  readonly cap: CpuCap;
  /** What the largest count is expected to answer under the cap, a second. */
  readonly expectedTps: number;
}

/** Steps of half a hundredth, so that two calibrations of one machine seldom differ. */
const round = (cpus: number): number => Math.max(LEAST, Math.round(cpus * 200) / 200);

/**
 * Chooses the cap from one uncapped peak with the largest count: it shows what generator, nginx and replicas together
 * can do on this machine, and what an answer costs a replica.
 */
export async function calibrate(bench: Bench, largest: number, given: number | null): Promise<Calibration> {
  bench.say(`Calibration: an uncapped peak of ${USERS} users with ${largest} replicas`);
  await prepare(bench, largest, null);
  const load: Load = { scenario: 'peak', users: USERS };
  const { run } = await measureRun(
    bench,
    load,
    { replicas: largest, round: 0, attempt: 1, cap: null },
    { comparison: 'calibration' },
  );
  const apiSeconds = run.cpu.find(({ component }) => component === 'api')?.seconds ?? 0;
  const perAnswer = (apiSeconds / Math.max(1, run.answers.issued)) * OVERHEAD;
  const chosen = given ?? round((run.tps * SHARE * perAnswer) / largest);
  const expectedTps = Math.min(run.tps, (chosen * largest) / Math.max(perAnswer, 1e-6));
  const seen = `uncapped, ${largest} replicas issued ${Math.round(run.tps)}/s for ${Math.round((apiSeconds / Math.max(1, run.answers.issued)) * 1e6)} µs of replica CPU each`;
  bench.say(`  ${seen}: cap ${chosen} CPU for each replica`);
  const note =
    given === null
      ? `Calibrated: ${seen}; the cap leaves the largest count at about ${Math.round(SHARE * 100)} % of that.`
      : `Given by hand; ${seen}.`;
  return { cap: { cpus: chosen, how: given === null ? 'calibrated' : 'given', note }, expectedTps };
}
