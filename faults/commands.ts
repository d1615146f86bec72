import { say } from '../common/command-line.js';
import type { Options } from './options.js';
import { SCENARIOS } from './scenarios/index.js';
import { mergeResults, readResult, runSuite, writeResult } from './suite.js';
import { renderTable } from './table.js';

/** Of a run of all rows in native mode. */
const WHOLE = 'faults.json';

/**
 * @param again runs the scenarios again that failed in the last whole run, with its seed, and puts them in their place
 * @returns whether every scenario holds
 */
export async function runFaults({ again, ...given }: Options & { again: boolean }): Promise<boolean> {
  let options = given;
  const before = again ? readResult(WHOLE) : null;
  if (before) {
    const only = before.rows.filter(({ faults }) => faults.length > 0).map(({ row }) => row);
    options = { ...options, seed: before.seed, mode: before.mode, only };
  }
  say(`faults: seed ${options.seed}, ${options.mode}, rows ${options.only.join(', ')}`);
  const played = await runSuite(options, say, before === null);
  const result = before ? mergeResults(before, played) : played;
  const whole = result.rows.length === SCENARIOS.filter(({ modes }) => modes.includes(result.mode)).length;
  const name = options.mode === 'compose' ? 'faults-compose.json' : whole ? WHOLE : 'faults-selection.json';
  const file = writeResult(result, name);
  say(`\n${renderTable(result.rows)}\n`);
  const passed = result.rows.filter(({ faults }) => faults.length === 0).length;
  const seconds = Math.round(result.durationMs / 1_000);
  say(`${result.injected} faults injected in ${seconds} s, seed ${result.seed}; ${file}`);
  say(`Tests: ${passed} passed, ${result.rows.length - passed} failed (rows of faults)`);
  return passed === result.rows.length;
}
