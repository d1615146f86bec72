import { withBench } from './bench.js';
import { begin, unfinished } from './begin.js';
import { runComparison } from './compare.js';
import { readOptions, USAGE, UsageError, type CompareOptions } from './options.js';
import { projectRoot } from '../project-root.js';
import { inWords } from './report/words.js';
import { writeReport } from './report/write-report.js';
import { findCapacity } from './step-load.js';
import { ComparisonStore, storedComparisons } from './store.js';
import { summarise } from './summarise.js';

const INTERRUPTED = 130;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The first signal stops in order, a second one at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      say(`\n${name}: stopping; the runs so far are kept, and the same command goes on from there`);
      controller.abort(new Error('interrupted'));
    });
  }
  return controller.signal;
}

function tell(store: ComparisonStore, file: string): boolean {
  const stored = store.load();
  const report = summarise(stored);
  say(`\n${inWords(report, stored.runs).join('\n\n')}\n\n  ${file}`);
  return report.byReplicas.every(({ valid, rounds }) => valid >= rounds);
}

async function measure(options: CompareOptions, signal: AbortSignal): Promise<boolean> {
  return withBench(options, { say, signal }, async (bench) => {
    const earlier = options.fresh ? null : unfinished(options, bench.stack.mode, projectRoot());
    if (earlier)
      say(`Going on with ${earlier.load().comparison.id}, which was interrupted (FRESH=1 begins anew)`);
    const store = earlier ?? (await begin(bench, options));
    let file = await runComparison(bench, store);
    if (options.command === 'step') {
      const one = summarise(store.load()).byReplicas.find(({ tps }) => tps !== null);
      await findCapacity(bench, store, one?.tps ? (one.tps.median / one.replicas) * 0.4 : 20);
      file = writeReport(store);
    }
    return tell(store, file);
  });
}

function rebuild({ id, against }: CompareOptions): boolean {
  const chosen = id ?? storedComparisons().at(-1);
  if (chosen === undefined) throw new Error('no comparison is stored yet: make compare');
  const store = ComparisonStore.at(chosen);
  return tell(store, writeReport(store, against === undefined ? undefined : ComparisonStore.at(against)));
}

async function main(): Promise<number> {
  let options: CompareOptions;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  const signal = abortOnSignals();
  try {
    if (options.command === 'list') storedComparisons().forEach(say);
    else if (options.command === 'report') return rebuild(options) ? 0 : 1;
    else return (await measure(options, signal)) ? 0 : 1;
    return 0;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
