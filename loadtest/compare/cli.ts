import { allowClosedOutput, abortOnSignals, say, runMain } from '../../common/command-line.js';
import { begin, codeVersion, unfinished } from './begin.js';
import { withBench } from './bench.js';
import { runComparison } from './compare.js';
import { planOf, type Bench } from './context.js';
import { readOptions, USAGE, type CompareOptions } from './options.js';
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

/** The report is written in any case: of an interrupted comparison from the runs that are there. */
async function measure(options: CompareOptions, interrupt: Interrupt): Promise<boolean> {
  // Too many users for this machine's limit of open files are refused before anything starts.
  if (options.users !== null) planOf({ scenario: options.scenario, users: options.users });
  return withBench(options, { say, signal: interrupt.signal }, async (bench) => {
    const store = interruptedBefore(options, bench) ?? (await begin(bench, options));
    interrupt.store = store;
    try {
      await measureInto(bench, options, store);
    } catch (err) {
      if (store.runs().length > 0) say(`Report of the runs so far: ${writeReport(store)}`);
      throw err;
    }
    return tell(store, writeReport(store));
  });
}

function rebuild({ id, against }: CompareOptions): boolean {
  const chosen = id ?? storedComparisons().at(-1);
  if (chosen === undefined) throw new Error('no comparison is stored yet: make compare');
  const store = ComparisonStore.at(chosen);
  return tell(store, writeReport(store, against === undefined ? undefined : ComparisonStore.at(against)));
}

function list(): void {
  for (const id of storedComparisons()) {
    const { progress, comparison, byReplicas } = summarise(ComparisonStore.at(id).load());
    const valid = byReplicas.reduce((sum, entry) => sum + entry.valid, 0);
    say(`${id}: ${comparison.replicas.join(', ')} replicas, ${valid} of ${progress.planned} runs valid`);
  }
}

interface Interrupt {
  readonly signal: AbortSignal;
  /** Where the runs are kept; null until there is something to keep. */
  store: ComparisonStore | null;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const interrupt: Interrupt = {
    signal: abortOnSignals(() =>
      interrupt.store === null
        ? 'nothing was measured yet'
        : 'the runs so far are kept, and the same command goes on from there',
    ),
    store: null,
  };
  switch (options.command) {
    case 'list':
      list();
      return 0;
    case 'report':
      return rebuild(options) ? 0 : 1;
    case 'run':
    case 'step':
      return (await measure(options, interrupt)) ? 0 : 1;
    default:
      return options.command satisfies never;
  }
}

allowClosedOutput('goOn');
await runMain(main, USAGE);
