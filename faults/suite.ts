import { join } from 'node:path';
import { abortOnSignals, rejectOnAbort } from '../common/command-line.js';
import { readJson, writeJson } from '../common/json-file.js';
import { instanceFolder, resultsFolder } from '../common/paths.js';
import type { StackMode } from '../stack/types.js';
import type { Options } from './options.js';
import { runScenario } from './run-scenario.js';
import { Random } from '../common/random.js';
import type { FaultScenario, ScenarioResult } from './scenario.js';
import { SCENARIOS } from './scenarios/index.js';
import { measureWindowOfLoss, type WindowOfLoss } from './window-of-loss.js';
import { INSTANCE, TestEnvironment } from './environment.js';

export interface SuiteResult {
  seed: number;
  mode: StackMode;
  startedAt: string;
  durationMs: number;
  /** Faults injected in all scenarios. */
  injected: number;
  rows: ScenarioResult[];
  windowOfLoss?: WindowOfLoss[];
}

/** Scenarios that need an environment of their own come last: the others share one start of the programs. */
const ownEnvironment = ({ prepare }: FaultScenario): number => (prepare ? 1 : 0);

/** @param whole measures the window of loss too, beside scenario 7 */
export async function runSuite(
  options: Options,
  print: (line: string) => void,
  whole: boolean,
): Promise<SuiteResult> {
  const startedMs = Date.now();
  const chosen = SCENARIOS.filter(({ number }) => options.only.includes(number));
  const scenarios = chosen.filter(({ modes }) => modes.includes(options.mode));
  for (const { number, modes } of chosen) {
    if (!modes.includes(options.mode))
      print(`scenario ${number} is for ${modes.join(', ')} mode only: skipped`);
  }
  const random = new Random(options.seed);
  const folder = join(instanceFolder(INSTANCE), 'clients');
  const environment = await TestEnvironment.open(options.mode, (line) => print(`    ${line}`));
  const results: ScenarioResult[] = [];
  let windowOfLoss: WindowOfLoss[] | undefined;
  // What an earlier run left may have another environment.
  await environment.stack.down();
  const interrupted = rejectOnAbort(abortOnSignals(() => 'the stack goes down'));
  try {
    if (whole && !options.quick && options.only.includes(7) && options.mode === 'native') {
      print('window of loss');
      windowOfLoss = await measureWindowOfLoss(environment, random.fork(1_000), folder, print);
    }
    for (const scenario of scenarios.toSorted((a, b) => ownEnvironment(a) - ownEnvironment(b))) {
      print(`scenario ${scenario.number}: ${scenario.fault}`);
      results.push(
        await Promise.race([
          interrupted,
          runOrReport(scenario, {
            environment,
            quick: options.quick,
            random: random.fork(scenario.number),
            folder,
            print,
          }),
        ]),
      );
    }
  } finally {
    if (!options.keep) await environment.end();
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

/** A scenario that could not be run to its end has failed; the others still tell something. */
async function runOrReport(
  scenario: FaultScenario,
  options: Parameters<typeof runScenario>[1],
): Promise<ScenarioResult> {
  const startedMs = Date.now();
  let result: ScenarioResult;
  try {
    result = await runScenario(scenario, options);
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
    result = {
      row: scenario.number,
      fault: scenario.fault,
      ...nothing,
      ...times,
      faults: [fault],
      notes: [],
    };
  }
  const seconds = (result.durationMs / 1_000).toFixed(0);
  options.print(
    `    ${result.injected} injected, ${result.users} users, ${seconds} s: ${result.faults.length === 0 ? 'ok' : 'FAILED'}`,
  );
  for (const fault of result.faults) options.print(`    ${fault}`);
  return result;
}

/** Puts scenarios that were run again, with the same seed, in the place of what they came to before. */
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
