import { explain } from '../common/command-line.js';
import { writeRun } from './annotate.js';
import type { Bench, Load } from './context.js';
import { measureFloor } from './floor.js';
import { measureRun } from './measure-run.js';
import { relativeWidth } from './interval.js';
import { remaining } from './order.js';
import { duration, interval, number, replicas, success, times } from './report/format.js';
import type { ComparisonStore } from './store.js';
import { isValid, summarise, type Report } from './summarise.js';
import type { ComparisonRecord, RunRecord } from './types.js';

/** The measuring of one comparison; with start and warm-up it stays below eight minutes. */
const MOST_MS = 400_000;
/** Looking at an interval until it happens to be narrow makes it too narrow: not before there are so many blocks. */
const LEAST_BLOCKS = 10;
const NARROW = 0.06;

const loadOf = ({ scenario, users, rate }: ComparisonRecord): Load => ({
  scenario,
  users,
  ...(rate !== undefined && { rate }),
});

function sayRun({ say }: Bench, run: RunRecord): void {
  const busy = run.saturatedFirst === null ? '' : `, busy first: ${run.saturatedFirst}`;
  const fault = isValid(run) ? '' : `; does not count: ${run.invalid.join('; ')}`;
  say(
    `  ${replicas(run.replicas)}: ${number(run.tps)}/s, p95 ${duration(run.latencyMs.p95)}, ${success(run.successRate)} answered${busy}${fault}`,
  );
}

/** TPS that so many replicas would have with perfect scaling, as far as it is known by now; 0 when it is not. */
function perfectTps(store: ComparisonStore, count: number): number {
  const base = summarise(store.load()).byReplicas.find(({ efficiency }) => efficiency !== null);
  return base?.tps ? (base.tps.median / base.replicas) * count : 0;
}

/** For the dashboards only: the runs are stored, and a comparison does not end because InfluxDB did. */
async function writeToInflux(
  { influx, say }: Bench,
  store: ComparisonStore,
  runs: readonly RunRecord[],
): Promise<void> {
  if (!influx) return;
  try {
    for (const run of runs) await writeRun(influx, store.comparison(), run, perfectTps(store, run.replicas));
  } catch (err) {
    say(`  InfluxDB did not take the figures, so the dashboards lack them: ${explain(err)}`);
  }
}

/** Whether a comparison of saturation may end before its last block, and why. Asked between two blocks. */
export function reasonToEnd(
  { comparison, byReplicas }: Report,
  elapsedMs: number,
): ComparisonRecord['ended'] | null {
  if (comparison.scenario !== 'saturate') return null;
  const isEnough = byReplicas.every(({ valid }) => valid >= LEAST_BLOCKS);
  // The first is what the others are measured by.
  const isNarrow = byReplicas
    .slice(1)
    .every(
      ({ speedup, interval: bounds }) =>
        speedup !== null && bounds !== null && relativeWidth(bounds.speedup, speedup) <= NARROW,
    );
  return isEnough && isNarrow ? 'narrow' : elapsedMs >= MOST_MS ? 'time' : null;
}

function sayBlock({ say }: Bench, report: Report, round: number, elapsedMs: number): void {
  const { scenario, rounds } = report.comparison;
  const perRoundMs = elapsedMs / Math.max(1, round - 1);
  const leftMs = (rounds - round + 1) * perRoundMs;
  const atMostMs = scenario === 'saturate' ? Math.min(leftMs, MOST_MS - elapsedMs) : leftMs;
  const left = round === 1 ? '' : `, at most ${duration(Math.max(0, atMostMs))} left`;
  const last = report.byReplicas.at(-1);
  const soFar = last?.interval
    ? `; so far ${times(last.speedup)} at ${last.replicas} (${interval(last.interval.speedup)})`
    : '';
  say(`${scenario === 'saturate' ? 'Block' : 'Round'} ${round}${left}${soFar}`);
}

/** One in each round, so that a machine that gets slower hits both alike. */
async function addFloor(bench: Bench, store: ComparisonStore): Promise<void> {
  const comparison = store.comparison();
  const floor = await measureFloor(bench, comparison.users);
  if (floor === null) {
    bench.say("  k6's own floor is left out: no nginx is installed on this machine");
    return;
  }
  store.create({ ...comparison, floors: [...(comparison.floors ?? []), floor] });
  bench.say(`  k6's own floor: last of ${number(floor.users)} answers after ${duration(floor.makespanMs)}`);
}

/**
 * Runs what the stored comparison lacks, saving each run as it ends, so that an interrupted comparison goes on where it
 * stopped.
 */
export async function runComparison(bench: Bench, store: ComparisonStore): Promise<void> {
  const comparison = store.comparison();
  const load = loadOf(comparison);
  const begunMs = Date.now();
  let round = 0;
  for (;;) {
    const [next] = remaining(comparison, store.runs());
    if (!next) break;
    if (next.round !== round) {
      const [report, elapsedMs] = [summarise(store.load()), Date.now() - begunMs];
      const ended = reasonToEnd(report, elapsedMs);
      if (ended) {
        store.create({ ...comparison, ended });
        break;
      }
      round = next.round;
      sayBlock(bench, report, round, elapsedMs);
      if (comparison.scenario === 'peak') await addFloor(bench, store);
    }
    const cell = { ...next, cap: comparison.apiCpus.cpus };
    const tags = { comparison: comparison.id, round: String(next.round) };
    const { run } = await measureRun(bench, load, cell, tags);
    store.saveRun(run);
    await writeToInflux(bench, store, [run]);
    sayRun(bench, run);
  }
  // The efficiency of the first runs was written before what it is measured by was known.
  await writeToInflux(bench, store, store.runs());
}
