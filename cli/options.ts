import { InvalidArgumentError, Option } from 'commander';
import { SEED_MOST } from '../common/random.js';
import type { StackMode } from '../stack/types.js';

interface Range {
  readonly least?: number;
  readonly most?: number;
  readonly whole?: boolean;
}

/** Reads a number within the range. @throws {InvalidArgumentError} which says what is allowed */
export const number =
  ({ least = 1, most = Number.MAX_SAFE_INTEGER, whole = true }: Range = {}) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    const upTo = most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`;
    throw new InvalidArgumentError(`Expected a ${whole ? 'whole number' : 'number'} from ${least}${upTo}.`);
  };

export const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

export interface StackChoice {
  readonly mode?: StackMode;
}

const modes: readonly StackMode[] = ['native', 'compose'];

// Options of more than one command.
export const MODE = new Option('--mode <mode>', 'absent: compose where a Docker engine answers').choices(
  modes,
);
export const API = new Option('--api <n>', 'replicas of the api').argParser(number());
/** 0: no cap. Linux takes no less than a hundredth at the longest period. */
export const API_CPUS = (description: string, most: number) =>
  new Option('--api-cpus <n>', description).argParser((text) => {
    const value = Number(text);
    if (text.trim() && (value === 0 || (value >= 0.01 && value <= most))) return value;
    throw new InvalidArgumentError(`Expected 0 or a number from 0.01 to ${most}.`);
  });
export const USERS = new Option('--users <n>', 'users of one run').argParser(number());
export const RATE = new Option('--rate <n>', 'calls a second').argParser(number());
export const SEED = new Option(
  '--seed <n>',
  'the same seed does the same; absent: a new one, printed',
).argParser(number({ least: 0, most: SEED_MOST }));
export const ARCHIVE_AFTER = new Option(
  '--archive-after <ms>',
  'a campaign that is over leaves Redis after this time',
).argParser(number({ least: 0 }));

/** Of a command that has said what was not well. */
export const exitStatus = (isWell: boolean): void => {
  process.exitCode = isWell ? 0 : 1;
};
