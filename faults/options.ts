import { randomInt } from 'node:crypto';
import { readArguments, readChoice, readNumber, UsageError } from '../common/command-line.js';
import type { StackMode } from '../stack/types.js';
import { SCENARIOS } from './scenarios/index.js';

export interface Options {
  seed: number;
  /** Numbers of the rows. */
  only: readonly number[];
  mode: StackMode;
  /** Measures the window of loss too. */
  windowOfLoss: boolean;
  keepUp: boolean;
  /** Plays the rows again that failed in the last whole run, with its seed. */
  again: boolean;
}

/** Under 90 s together: what `make test` can afford. */
export const QUICK_ROWS = [1, 5, 9, 11];
const EVERY_ROW = SCENARIOS.map(({ number }) => number);
const SEED_MOST = 2 ** 31 - 1;

export const USAGE = `node dist/faults/cli.js [--seed N] [--only 1,3,5] [--quick] [--again] [--mode native|compose] [--keep]
  --seed   the same seed does the same things in the same order; a new one is printed when absent
  --only   numbers of rows; all when absent
  --quick  a short selection (${QUICK_ROWS.join(', ')}), with fewer faults each
  --again  plays the rows again that failed in the last whole run, with its seed, and puts them in their place
  --keep   leaves the stack running`;

/** @throws {UsageError} */
export function parseOptions(args: readonly string[]): Options & { quick: boolean } {
  const { values } = readArguments({
    args: [...args],
    options: {
      seed: { type: 'string' },
      only: { type: 'string' },
      mode: { type: 'string' },
      quick: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
    },
  });
  const quick = values.quick;
  const only = values.only ? readRows(values.only) : quick ? QUICK_ROWS : EVERY_ROW;
  return {
    seed: readSeed(values.seed),
    only,
    mode: readChoice('--mode', values.mode, ['native', 'compose'] as const) ?? 'native',
    windowOfLoss: !quick && only.includes(7),
    keepUp: values.keep,
    again: values.again,
    quick,
  };
}

/** Drawn by lot when none is given: it is printed, so that a person can type it again. */
export const readSeed = (text: string | undefined): number =>
  readNumber('--seed', text, { least: 0, most: SEED_MOST }) ?? randomInt(SEED_MOST);

function readRows(text: string): number[] {
  const rows = text.split(',').map(Number);
  for (const row of rows) if (!EVERY_ROW.includes(row)) throw new UsageError(`there is no row ${row}`);
  return rows;
}
