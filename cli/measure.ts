import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import { PARTS, type Part } from '../bench/bench.js';
import { bench, capacity, type BenchCommandOptions, type CapacityOptions } from '../bench/commands.js';
import { runSideBySide, type SideBySideWork } from '../bench/side-by-side.js';
import { writeDashboards } from '../grafana/source/write.js';
import { number, RATE, words } from './options.js';

const isPart = (text: string): text is Part => (PARTS as readonly string[]).includes(text);

function readParts(text: string): Part[] {
  const parts = words(text);
  if (parts.every(isPart)) return parts;
  throw new InvalidArgumentError(`Expected some of ${PARTS.join(', ')}.`);
}

export function addMeasureCommands(program: Command): void {
  program
    .command('bench')
    .description('the service beside baselines and alternatives, in ratios; needs a quiet machine')
    .option('--quick', 'in two to four minutes', false)
    .addOption(new Option('--parts <parts>', PARTS.join(',')).argParser(readParts).default(PARTS, 'all'))
    .option('--subjects <ids>', 'only these', words)
    .option('--peak-rounds <n>', 'rounds of the peak', number())
    .option('--no-write', 'do not keep the result')
    .action((options: BenchCommandOptions) => bench(options));
  const seconds = number({ least: 0.001, whole: false });
  program
    .command('capacity')
    .description('how many cores a rush takes, from what the bench measured')
    .requiredOption('--users <n>', 'in all', number())
    .requiredOption('--seconds <n>', 'until the last answer', seconds)
    .option('--kept', 'users keep their connections', false)
    .option('--from <file>', 'a result of the bench; absent: the last one')
    .action((options: CapacityOptions) => capacity(options));
  program
    .command('side-by-side')
    .description('the same load on several built checkouts of this project, one after the other')
    .addArgument(
      new Argument(
        '<what>',
        'reads: issuing beside reads of own coupons; idle: 1,000 sold-out campaigns, no traffic',
      ).choices(['reads', 'idle']),
    )
    .argument('<checkouts...>', 'folders')
    .addOption(RATE)
    .option('--seconds <n>', 'of each load', number(), 15)
    .action((what: SideBySideWork, checkouts: string[], options: { rate?: number; seconds: number }) =>
      runSideBySide(what, checkouts, { rate: 1_000, ...options }),
    );
  program
    .command('dashboards')
    .description('write grafana/dashboards/*.json from their source')
    .action(() => writeDashboards());
}
