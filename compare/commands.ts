import { abortOnSignals, say } from '../common/command-line.js';
import { table } from '../common/table.js';
import { begin, codeVersion, loadFor, unfinished } from './begin.js';
import { withBench } from './bench.js';
import { runComparison } from './compare.js';
import { planOf, type Bench } from './context.js';
import type { CompareOptions } from './options.js';
import { replicaTable } from './report/tables.js';
import { sayVerdict } from './report/verdict.js';
import { inWords } from './report/words.js';
import { writeReport } from './report/write-report.js';
import { warmReplicas } from './prepare.js';
import { findCapacity } from './step-load.js';
import { ComparisonStore, storedComparisons } from './store.js';
import { isConclusive, summarise } from './summarise.js';

/** Says what the report says. @returns whether there is an answer for every count */
function tell(store: ComparisonStore, file: string): boolean {
  const stored = store.load();
  const report = summarise(stored);
  const { head, rows } = replicaTable(report);
  const lines = [head, ...rows.map(({ cells }) => cells.map(({ text }) => text))];
  say(
    `\n${table(lines, '  ')}\n\n${[sayVerdict(report), ...inWords(report, stored.runs)].join('\n\n')}\n\n  ${file}`,
  );
  return isConclusive(report);
}

function interruptedBefore(options: CompareOptions, { stack }: Bench): ComparisonStore | null {
  if (options.fresh) return null;
  const stored = storedComparisons().map((id) => ComparisonStore.at(id).load());
  const found = unfinished(stored, options, stack.mode, codeVersion());
  if (!found) return null;
  say(`Going on with ${found.comparison.id}, which was interrupted (FRESH=1 begins anew)`);
  return ComparisonStore.at(found.comparison.id);
}

async function measureInto(bench: Bench, options: CompareOptions, store: ComparisonStore): Promise<void> {
  await warmReplicas(bench, loadFor(options), store.comparison().apiCpus.cpus);
  await runComparison(bench, store);
  if (options.command !== 'step') return;
  const one = summarise(store.load()).byReplicas.find(({ tps }) => tps !== null);
  await findCapacity(bench, store, one?.tps ? (one.tps.median / one.replicas) * 0.4 : 20);
}

/**
 * Measures replica counts one after the other, interleaved, and writes a report in any case: of an interrupted comparison
 * from the runs that are there.
 *
 * @returns whether there is an answer for every count
 */
export async function compare(options: CompareOptions): Promise<boolean> {
  let kept: ComparisonStore | null = null;
  const signal = abortOnSignals(() =>
    kept === null
      ? 'nothing was measured yet'
      : 'the runs so far are kept, and the same command goes on from there',
  );
  // Too many users for this machine's limit of open files are refused before anything starts.
  planOf(loadFor(options), options.replicas.at(-1)!);
  return withBench(options, { say, signal }, async (bench) => {
    const store = interruptedBefore(options, bench) ?? (await begin(bench, options));
    kept = store;
    try {
      await measureInto(bench, options, store);
    } catch (err) {
      if (store.runs().length > 0) say(`Report of the runs so far: ${writeReport(store)}`);
      throw err;
    }
    return tell(store, writeReport(store));
  });
}

/** Rebuilds the report of a stored comparison: the last one when `id` is absent. @returns as `compare` does */
export function rebuildReport({ id, against }: { id?: string; against?: string }): boolean {
  const chosen = id ?? storedComparisons().at(-1);
  if (chosen === undefined) throw new Error('no comparison is stored yet: make compare');
  const store = ComparisonStore.at(chosen);
  return tell(store, writeReport(store, against === undefined ? undefined : ComparisonStore.at(against)));
}

export function listComparisons(): void {
  for (const id of storedComparisons()) {
    const { progress, comparison, byReplicas } = summarise(ComparisonStore.at(id).load());
    const valid = byReplicas.reduce((sum, entry) => sum + entry.valid, 0);
    say(`${id}: ${comparison.replicas.join(', ')} replicas, ${valid} of ${progress.planned} runs valid`);
  }
}
