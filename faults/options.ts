import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseMode, type StackMode } from '../stack/index.js';
import { ROWS } from './rows/index.js';

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
const EVERY_ROW = ROWS.map(({ number }) => number);
const SEED_MOST = 2 ** 31 - 1;

export const USAGE = `node dist/faults/cli.js [--seed N] [--only 1,3,5] [--quick] [--again] [--mode native|compose] [--keep]
  --seed   the same seed does the same things in the same order; a new one is printed when absent
  --only   numbers of rows; all when absent
  --quick  a short selection (${QUICK_ROWS.join(', ')}), with fewer faults each
  --again  plays the rows again that failed in the last whole run, with its seed, and puts them in their place
  --keep   leaves the stack running`;

/** Throws, with what is wrong, for anything it does not understand. */
export function parseOptions(args: readonly string[]): Options & { quick: boolean } {
  const { values } = parseArgs({
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
  const only = values.only === undefined ? (quick ? QUICK_ROWS : EVERY_ROW) : rowsOf(values.only);
  return {
    seed: values.seed === undefined ? randomInt(SEED_MOST) : wholeNumber('--seed', values.seed),
    only,
    mode: parseMode(values.mode ?? 'native'),
    windowOfLoss: !quick && only.includes(7),
    keepUp: values.keep,
    again: values.again,
    quick,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > SEED_MOST) throw new Error(`${name} is a whole number, not ${text}`);
  return value;
}

function rowsOf(text: string): number[] {
  const rows = text.split(',').map((part) => wholeNumber('--only', part.trim()));
  for (const row of rows) if (!EVERY_ROW.includes(row)) throw new Error(`there is no row ${row}`);
  return rows;
}
