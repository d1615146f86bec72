import { abortOnSignals, say } from '../common/command-line.js';
import { begin, codeVersion, unfinished } from './begin.js';
import { withBench } from './bench.js';
import { runComparison } from './compare.js';
import { planOf, type Bench } from './context.js';
import type { CompareOptions } from './options.js';
import { inWords } from './report/words.js';
import { writeReport } from './report/write-report.js';
import { findCapacity } from './step-load.js';
import { ComparisonStore, storedComparisons } from './store.js';
import { isComplete, summarise } from './summarise.js';

/** Says what the report says. @returns whether every planned run is there and counts */
function tell(store: ComparisonStore, file: string): boolean {
  const stored = store.load();
  const report = summarise(stored);
  say(`\n${inWords(report, stored.runs).join('\n\n')}\n\n  ${file}`);
  return isComplete(report) && report.byReplicas.every(({ valid }) => valid >= report.comparison.rounds);
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
  await runComparison(bench, store);
  if (options.command !== 'step') return;
  const one = summarise(store.load()).byReplicas.find(({ tps }) => tps !== null);
  await findCapacity(bench, store, one?.tps ? (one.tps.median / one.replicas) * 0.4 : 20);
}

/**
 * Measures replica counts one after the other, interleaved, and writes a report in any case: of an interrupted comparison
 * from the runs that are there.
 *
 * @returns whether every planned run is there and counts
 */
export async function compare(options: CompareOptions): Promise<boolean> {
  let kept: ComparisonStore | null = null;
  const signal = abortOnSignals(() =>
    kept === null
      ? 'nothing was measured yet'
      : 'the runs so far are kept, and the same command goes on from there',
  );
  // Too many users for this machine's limit of open files are refused before anything starts.
  if (options.users !== null) planOf({ scenario: options.scenario, users: options.users });
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
