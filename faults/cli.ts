import { allowClosedOutput, runMain, say } from '../common/command-line.js';
import { parseOptions, USAGE } from './options.js';
import { SCENARIOS } from './scenarios/index.js';
import { mergeResults, readResult, runSuite, writeResult } from './suite.js';
import { renderTable } from './table.js';

/** Of a run of all rows in native mode. */
const WHOLE = 'faults.json';

// The rows go on to their end: the stack must not be left behind.
allowClosedOutput('goOn');

/** Exit status: 0 every row holds, 1 one does not, 2 the command is wrong. */
async function main(): Promise<number> {
  let options = parseOptions(process.argv.slice(2));
  const before = options.again ? readResult(WHOLE) : null;
  if (before) {
    const only = before.rows.filter(({ faults }) => faults.length > 0).map(({ row }) => row);
    options = { ...options, seed: before.seed, mode: before.mode, only, windowOfLoss: false };
  }
  say(`faults: seed ${options.seed}, ${options.mode}, rows ${options.only.join(', ')}`);
  const played = await runSuite(options, say);
  const result = before ? mergeResults(before, played) : played;
  const whole = result.rows.length === SCENARIOS.filter(({ modes }) => modes.includes(result.mode)).length;
  const name = options.mode === 'compose' ? 'faults-compose.json' : whole ? WHOLE : 'faults-selection.json';
  const file = writeResult(result, name);
  say(`\n${renderTable(result.rows)}\n`);
  const passed = result.rows.filter(({ faults }) => faults.length === 0).length;
  const seconds = Math.round(result.durationMs / 1_000);
  say(`${result.injected} faults injected in ${seconds} s, seed ${result.seed}; ${file}`);
  say(`Tests: ${passed} passed, ${result.rows.length - passed} failed (rows of faults)`);
  return passed === result.rows.length ? 0 : 1;
}

await runMain(main, USAGE);
