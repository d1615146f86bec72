import { explain } from '../common/command-line.js';
import { writeRun } from './annotate.js';
import type { Bench, Load } from './context.js';
import { measureRun } from './measure-run.js';
import { prepare } from './prepare.js';
import { duration, number } from './report/format.js';
import type { ComparisonStore } from './store.js';
import { ATTEMPTS, isValid, summarise } from './summarise.js';
import type { ComparisonRecord, RunRecord } from './types.js';

interface Todo {
  readonly replicas: number;
  readonly round: number;
  readonly attempt: number;
}

/** What is left to do, rounds of the counts interleaved and every other round backwards, so that drift hits all alike. */
export function remaining({ replicas, rounds }: ComparisonRecord, done: readonly RunRecord[]): Todo[] {
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) => {
    const order = round % 2 === 1 ? replicas : [...replicas].reverse();
    return order.flatMap((count) => {
      const own = done.filter((run) => run.replicas === count && run.round === round);
      if (own.some(isValid) || own.length >= ATTEMPTS) return [];
      return [{ replicas: count, round, attempt: own.length + 1 }];
    });
  });
}

const loadOf = ({ scenario, users, rate }: ComparisonRecord): Load => ({
  scenario,
  users,
  ...(rate !== undefined && { rate }),
});

function sayRun(bench: Bench, run: RunRecord): void {
  const busy = run.saturatedFirst === null ? '' : `, busy first: ${run.saturatedFirst}`;
  const verdict = isValid(run) ? 'audit clean' : `does not count: ${run.invalid.join('; ')}`;
  bench.say(
    `  ${number(run.tps)}/s, p95 ${duration(run.latencyMs.p95)}, ${(run.successRate * 100).toFixed(2)} % answered${busy}; ${verdict}`,
  );
}

/** TPS that so many replicas would have with perfect scaling, as far as it is known by now; 0 when it is not. */
function perfectTps(store: ComparisonStore, replicas: number): number {
  const base = summarise(store.load()).byReplicas.find(({ efficiency }) => efficiency !== null);
  return base?.tps ? (base.tps.median / base.replicas) * replicas : 0;
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

/**
 * Runs what the stored comparison lacks, saving each run as it ends, so that an interrupted comparison goes on where it
 * stopped.
 */
export async function runComparison(bench: Bench, store: ComparisonStore): Promise<void> {
  const { comparison } = store.load();
  const begun = Date.now();
  let finished = 0;
  for (;;) {
    const todo = remaining(comparison, store.runs());
    const [next] = todo;
    if (!next) break;
    const left =
      finished === 0 ? '' : `, about ${duration(((Date.now() - begun) / finished) * todo.length)} left`;
    bench.say(
      `Round ${next.round} of ${comparison.rounds}, ${next.replicas} replicas${next.attempt > 1 ? ' (again)' : ''}; ${todo.length} runs to go${left}`,
    );
    const cap = comparison.apiCpus.cpus;
    await prepare(bench, next.replicas, cap);
    const { run } = await measureRun(
      bench,
      loadOf(comparison),
      { ...next, cap },
      {
        comparison: comparison.id,
        round: String(next.round),
      },
    );
    store.saveRun(run);
    await writeToInflux(bench, store, [run]);
    sayRun(bench, run);
    finished += 1;
  }
  // The efficiency of the first runs was written before what it is measured by was known.
  await writeToInflux(bench, store, store.runs());
}
