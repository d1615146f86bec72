import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { StackMode } from '../../stack/index.js';
import type { CompareScenario } from './types.js';

export const USAGE = `Usage: node dist/loadtest/compare/cli.js COMMAND [options]

  run       measures replica counts one after the other, interleaved, and writes a report
  step      the same, then raises the arrival rate of each count until a limit breaks
  report    rebuilds the report of a stored comparison
  list      stored comparisons, oldest first, with their runs

  --replicas "1 2 4"   counts to compare
  --rounds N           runs of each (3)
  --scenario NAME      peak, arrival or sold-out (peak)
  --api-cpus C         cap of a replica in CPUs; 0 for none (a calibration chooses it)
  --users N            users of one run (a calibration chooses it)
  --rate N             arrival: requests a second
  --mode MODE          native or compose
  --no-influx          without InfluxDB
  --fresh              a new comparison, though an interrupted one could go on
  --id ID              report: which comparison (the last one)
  --against ID         report: an earlier one, to show what changed
`;

const commands = ['run', 'step', 'report', 'list'] as const;
const scenarios: readonly CompareScenario[] = ['peak', 'arrival', 'sold-out'];

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CompareOptions {
  readonly command: (typeof commands)[number];
  readonly replicas: readonly number[];
  readonly rounds: number;
  readonly scenario: CompareScenario;
  /** Null: to be calibrated; 0: no cap. */
  readonly apiCpus: number | null;
  readonly users: number | null;
  readonly rate: number | null;
  readonly mode?: StackMode;
  readonly influx: boolean;
  readonly fresh: boolean;
  readonly id?: string;
  readonly against?: string;
}

function oneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new UsageError(`${name} is ${known.join(', ')}, not ${text}`);
  return found;
}

function counts(text: string): number[] {
  const values = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number);
  if (values.length === 0 || values.some((value) => !Number.isInteger(value) || value < 1 || value > 50)) {
    throw new UsageError(`--replicas "${text}" is not a list of counts from 1 to 50`);
  }
  if (new Set(values).size < values.length)
    throw new UsageError(`--replicas "${text}" names a count twice: --rounds repeats them all`);
  return values.sort((a, b) => a - b);
}

interface Range {
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
}

function numeric(name: string, text: string | undefined, { least, most, whole }: Range): number | null {
  if (!text) return null;
  const value = Number(text);
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
    throw new UsageError(
      `--${name} ${text}: expected a ${whole ? 'whole number' : 'number'} from ${least} to ${most}`,
    );
  return value;
}

/** 0: no cap. Linux takes no less than a hundredth at the longest period. */
function cap(text: string | undefined): number | null {
  if (text && Number(text) === 0) return 0;
  return numeric('api-cpus', text, { least: 0.01, most: availableParallelism(), whole: false });
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** An option that is given empty (a Makefile's unset variable) counts as absent. @throws {UsageError} */
export function readOptions(argv: readonly string[]): CompareOptions {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...{ replicas: text, rounds: text, scenario: text, 'api-cpus': text, users: text, rate: text },
        ...{ mode: text, 'no-influx': flag, fresh: flag, id: text, against: text },
      },
    });
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1)
    throw new UsageError(
      `"${positionals.slice(1).join(' ')}" is too much: several counts are one word, --replicas "1 2 4"`,
    );
  const upTo = (most: number): Range => ({ least: 1, most, whole: true });
  const scenario = oneOf('--scenario', values.scenario || 'peak', scenarios);
  if (scenario === 'arrival' ? values.users : values.rate)
    throw new UsageError(
      scenario === 'arrival' ? 'arrival takes --rate, not --users' : `${scenario} takes --users, not --rate`,
    );
  return {
    command: oneOf('the command', positionals[0] ?? '', commands),
    replicas: counts(values.replicas || '1 2 4'),
    rounds: numeric('rounds', values.rounds, upTo(100)) ?? 3,
    scenario,
    apiCpus: cap(values['api-cpus']),
    users: numeric('users', values.users, upTo(20_000)),
    rate: numeric('rate', values.rate, upTo(20_000)),
    influx: !values['no-influx'],
    fresh: values.fresh ?? false,
    ...(values.mode && { mode: oneOf('--mode', values.mode, ['native', 'compose'] as const) }),
    ...(values.id && { id: values.id }),
    ...(values.against && { against: values.against }),
  };
}
