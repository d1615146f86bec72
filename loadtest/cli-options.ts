import { readArguments, readChoice, readNumber, UsageError } from '../common/command-line.js';
import type { StackMode } from '../stack/types.js';
import { SCENARIOS, type ScenarioName, type Sizes } from './scenarios.js';

export const USAGE = `Usage: node dist/loadtest/cli.js COMMAND [options]

  peak         10,000 users press the button once, at the same time
  sold-out     20,000 users for 10,000 coupons
  duplicates   5,000 users press it three times at once
  arrival      users arrive at a set rate, whether or not earlier ones have their answer
  audit        compare what Redis and MySQL hold of a coupon, and what clients were told

  --api N              api replicas (those that run, else 3)
  --mode MODE          native or compose (compose where a Docker engine answers)
  --users N --stock N  other sizes
  --vus N              virtual users of k6 (sold-out, arrival)
  --rate N --duration SECONDS --profile constant|ramping   of arrival
  --warm-up N          users for each replica before the run (3,000; 0: none)
  --coupon N           audit: the coupon
  --client-log FILE    audit: client.log of a run
  --stock-raised       audit: the stock was raised meanwhile
  --allow-remote       load a stack that is not on this machine
`;

type Command = ScenarioName | 'audit';

export interface CliOptions {
  command: Command;
  sizes: Sizes;
  api?: number;
  mode?: StackMode;
  coupon?: number;
  clientLog?: string;
  stockRaised: boolean;
  /** Users for each replica before the run; absent: the usual number. */
  warmUp?: number;
  allowRemote: boolean;
}

const OPTIONS = {
  api: { type: 'string' },
  mode: { type: 'string' },
  users: { type: 'string' },
  stock: { type: 'string' },
  vus: { type: 'string' },
  rate: { type: 'string' },
  duration: { type: 'string' },
  profile: { type: 'string' },
  'warm-up': { type: 'string' },
  coupon: { type: 'string' },
  'client-log': { type: 'string' },
  'stock-raised': { type: 'boolean' },
  'allow-remote': { type: 'boolean' },
} as const;

const COMMANDS: readonly string[] = [...SCENARIOS, 'audit'];

/** Throws `UsageError`. An option that is given empty (a Makefile's unset variable) counts as absent. */
export function readCommandLine(argv: readonly string[]): CliOptions {
  const { values, positionals } = readArguments({
    args: [...argv],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [command, ...rest] = positionals;
  if (command === undefined || !COMMANDS.includes(command) || rest.length > 0) {
    throw new UsageError(
      command === undefined ? 'which command?' : `unknown command: ${positionals.join(' ')}`,
    );
  }
  const count = (name: keyof typeof OPTIONS, least = 1) =>
    readNumber(`--${name}`, String(values[name] ?? ''), { least });
  const sizes = defined({
    users: count('users'),
    stock: count('stock'),
    vus: count('vus'),
    rate: count('rate'),
    durationS: count('duration'),
    profile: readChoice('--profile', values.profile, ['constant', 'ramping'] as const),
  });
  const options = {
    command: command as Command,
    sizes,
    stockRaised: values['stock-raised'] ?? false,
    allowRemote: values['allow-remote'] ?? false,
    ...defined({
      api: count('api'),
      mode: readChoice('--mode', values.mode, ['native', 'compose'] as const),
      warmUp: count('warm-up', 0),
      coupon: count('coupon'),
      clientLog: values['client-log'] || undefined,
    }),
  };
  if (command === 'audit' && options.coupon === undefined) throw new UsageError('audit needs --coupon N');
  return options;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const defined = <T extends object>(values: T): Defined<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
