import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { compare, listComparisons, rebuildReport } from '../compare/commands.js';
import { COMPARE_SCENARIOS, type CompareOptions } from '../compare/options.js';
import { API_CPUS, exitStatus, MODE, number, words, type StackChoice } from './options.js';

function readCounts(text: string): number[] {
  const counts = words(text).map(Number);
  if (counts.length === 0 || counts.some((count) => !Number.isInteger(count) || count < 1 || count > 50))
    throw new InvalidArgumentError('Expected counts from 1 to 50, such as "1 2 4".');
  if (new Set(counts).size < counts.length)
    throw new InvalidArgumentError('A count is named twice: --rounds repeats them all.');
  return counts.sort((a, b) => a - b);
}

/** Of saturation more than there is time for: time ends it. */
export const defaultRounds = (scenario: CompareOptions['scenario']): number =>
  scenario === 'saturate' ? 60 : 3;

interface Choice extends StackChoice, Pick<CompareOptions, 'replicas' | 'scenario' | 'influx'> {
  readonly fresh: boolean;
  readonly rounds?: number;
  readonly apiCpus?: number;
  readonly users?: number;
  readonly rate?: number;
}

export function addCompareCommands(program: Command): void {
  const measuring = (name: string, command: CompareOptions['command'], what: string) =>
    program
      .command(name)
      .description(what)
      .addOption(
        new Option('--replicas <counts>', 'counts to compare, as one word: "1 2 4"')
          .argParser(readCounts)
          .default([1, 2, 4], '"1 2 4"'),
      )
      .addOption(
        new Option('--rounds <n>', 'runs of each; of saturation at most').argParser(number({ most: 100 })),
      )
      .addOption(new Option('--scenario <name>').choices(COMPARE_SCENARIOS).default('saturate'))
      .addOption(
        API_CPUS(
          'CPUs of each replica; 0: no cap; absent: a share of the machine for saturation, else no cap',
          availableParallelism(),
        ),
      )
      .option('--users <n>', 'of one run; of saturation in flight for each replica', number({ most: 20_000 }))
      .option('--rate <n>', 'arrival: requests a second', number({ most: 20_000 }))
      .addOption(MODE)
      .option('--no-influx', 'without InfluxDB')
      .option('--fresh', 'a new comparison, though an interrupted one could go on', false)
      .action(async (choice: Choice, self: Command) => {
        const { apiCpus = null, users = null, rate = null, scenario, ...rest } = choice;
        const { rounds = defaultRounds(scenario) } = choice;
        if (scenario === 'arrival' && users !== null) self.error('arrival takes --rate, not --users');
        if (scenario !== 'arrival' && rate !== null) self.error(`${scenario} takes --users, not --rate`);
        exitStatus(await compare({ ...rest, command, apiCpus, users, rate, scenario, rounds }));
      });
  measuring('compare', 'run', 'what each replica brings: measures counts interleaved, and writes a report');
  measuring('step-load', 'step', 'the same, then raises the arrival rate of each count until a limit breaks');
  program
    .command('comparisons')
    .description('stored comparisons, oldest first, with the runs that count')
    .action(listComparisons);
  program
    .command('report')
    .description('rebuild the report of a stored comparison')
    .option('--id <id>', 'absent: the last one')
    .option('--against <id>', 'an earlier one, to show what changed')
    .action((options: { id?: string; against?: string }) => exitStatus(rebuildReport(options)));
}
