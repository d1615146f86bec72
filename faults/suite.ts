import { join } from 'node:path';
import { abortOnSignals, rejectOnAbort } from '../common/command-line.js';
import { readJson, writeJson } from '../common/json-file.js';
import { instanceFolder, resultsFolder } from '../common/paths.js';
import type { StackMode } from '../stack/types.js';
import type { Options } from './options.js';
import { playRow } from './play-row.js';
import { Random } from './random.js';
import type { RowPlan, RowResult } from './row.js';
import { ROWS } from './rows/index.js';
import { measureWindowOfLoss, type WindowOfLoss } from './window-of-loss.js';
import { INSTANCE, World } from './world.js';

export interface SuiteResult {
  seed: number;
  mode: StackMode;
  startedAt: string;
  durationMs: number;
  /** Faults injected in all rows. */
  injected: number;
  rows: RowResult[];
  windowOfLoss?: WindowOfLoss[];
}

/** Rows that need an environment of their own come last: the others share one start of the programs. */
const ownEnvironment = ({ prepare }: RowPlan): number => (prepare ? 1 : 0);

export async function runSuite(
  options: Options & { quick: boolean },
  print: (line: string) => void,
): Promise<SuiteResult> {
  const startedMs = Date.now();
  const chosen = ROWS.filter(({ number }) => options.only.includes(number));
  const rows = chosen.filter(({ modes }) => modes.includes(options.mode));
  for (const { number, modes } of chosen) {
    if (!modes.includes(options.mode)) print(`row ${number} is for ${modes.join(', ')} mode only: skipped`);
  }
  const random = new Random(options.seed);
  const folder = join(instanceFolder(INSTANCE), 'clients');
  const world = await World.open(options.mode, (line) => print(`    ${line}`));
  const results: RowResult[] = [];
  let windowOfLoss: WindowOfLoss[] | undefined;
  // What an earlier run left may have another environment.
  await world.stack.down();
  const interrupted = rejectOnAbort(abortOnSignals(() => 'the stack goes down'));
  try {
    if (options.windowOfLoss && options.mode === 'native') {
      print('window of loss');
      windowOfLoss = await measureWindowOfLoss(world, random.fork(1_000), folder, print);
    }
    for (const plan of rows.toSorted((a, b) => ownEnvironment(a) - ownEnvironment(b))) {
      print(`row ${plan.number}: ${plan.fault}`);
      results.push(
        await Promise.race([
          interrupted,
          playOrReport(plan, {
            world,
            quick: options.quick,
            random: random.fork(plan.number),
            folder,
            print,
          }),
        ]),
      );
    }
  } finally {
    if (!options.keepUp) await world.stack.down();
  }
  results.sort((a, b) => a.row - b.row);
  return {
    seed: options.seed,
    mode: options.mode,
    startedAt: new Date(startedMs).toISOString(),
    durationMs: Date.now() - startedMs,
    injected: results.reduce((sum, { injected }) => sum + injected, 0),
    rows: results,
    ...(windowOfLoss && { windowOfLoss }),
  };
}

/** A row that could not be played to its end is a row that failed; the others still tell something. */
async function playOrReport(plan: RowPlan, options: Parameters<typeof playRow>[1]): Promise<RowResult> {
  const startedMs = Date.now();
  let result: RowResult;
  try {
    result = await playRow(plan, options);
  } catch (err) {
    const nothing = { injected: 0, answers: {}, lost: 0, duplicated: 0, oversold: 0, falseRejections: 0 };
    const times = {
      recoveryMs: 0,
      recoveriesMs: [],
      drainedMs: null,
      users: 0,
      durationMs: Date.now() - startedMs,
    };
    const fault = err instanceof Error ? (err.stack ?? err.message) : String(err);
    result = { row: plan.number, fault: plan.fault, ...nothing, ...times, faults: [fault], notes: [] };
  }
  const seconds = (result.durationMs / 1_000).toFixed(0);
  options.print(
    `    ${result.injected} injected, ${result.users} users, ${seconds} s: ${result.faults.length === 0 ? 'ok' : 'FAILED'}`,
  );
  for (const fault of result.faults) options.print(`    ${fault}`);
  return result;
}

/** Puts rows that were played again, with the same seed, in the place of what they came to before. */
export function mergeResults(before: SuiteResult, again: SuiteResult): SuiteResult {
  if (before.seed !== again.seed || before.mode !== again.mode) throw new Error('not the same seed and mode');
  const rows = before.rows.map((old) => again.rows.find(({ row }) => row === old.row) ?? old);
  return {
    ...before,
    rows,
    durationMs: before.durationMs + again.durationMs,
    injected: rows.reduce((sum, { injected }) => sum + injected, 0),
  };
}

/** `faults/results/faults.json`; a selection or another mode has a file of its own. */
export const readResult = (name: string): SuiteResult => readJson(join(resultsFolder('faults'), name));

export function writeResult(result: SuiteResult, name: string): string {
  const file = join(resultsFolder('faults'), name);
  writeJson(file, result);
  return file;
}
