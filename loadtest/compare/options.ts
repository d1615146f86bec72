import { availableParallelism } from 'node:os';
import { readArguments, readChoice, readNumber, UsageError } from '../../common/command-line.js';
import type { StackMode } from '../../stack/types.js';
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

/** 0: no cap. Linux takes no less than a hundredth at the longest period. */
function cap(text: string | undefined): number | null {
  if (text && Number(text) === 0) return 0;
  const range = { least: 0.01, most: availableParallelism(), whole: false };
  return readNumber('--api-cpus', text, range) ?? null;
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

/** An option that is given empty (a Makefile's unset variable) counts as absent. @throws {UsageError} */
export function readOptions(argv: readonly string[]): CompareOptions {
  const { values, positionals } = readArguments({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...{ replicas: text, rounds: text, scenario: text, 'api-cpus': text, users: text, rate: text },
      ...{ mode: text, 'no-influx': flag, fresh: flag, id: text, against: text },
    },
  });
  if (positionals.length > 1)
    throw new UsageError(
      `"${positionals.slice(1).join(' ')}" is too much: several counts are one word, --replicas "1 2 4"`,
    );
  const scenario = readChoice('--scenario', values.scenario, scenarios) ?? 'peak';
  const command = readChoice('the command', positionals[0], commands);
  if (!command) throw new UsageError('which command?');
  const mode = readChoice('--mode', values.mode, ['native', 'compose'] as const);
  if (scenario === 'arrival' ? values.users : values.rate)
    throw new UsageError(
      scenario === 'arrival' ? 'arrival takes --rate, not --users' : `${scenario} takes --users, not --rate`,
    );
  return {
    command,
    replicas: counts(values.replicas || '1 2 4'),
    rounds: readNumber('--rounds', values.rounds, { most: 100 }) ?? 3,
    scenario,
    apiCpus: cap(values['api-cpus']),
    users: readNumber('--users', values.users, { most: 20_000 }) ?? null,
    rate: readNumber('--rate', values.rate, { most: 20_000 }) ?? null,
    influx: !values['no-influx'],
    fresh: values.fresh ?? false,
    ...(mode && { mode }),
    ...(values.id && { id: values.id }),
    ...(values.against && { against: values.against }),
  };
}
