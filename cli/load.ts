import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import {
  auditCommand,
  generateCommand,
  mergeCommand,
  runScenarioCommand,
  type AuditOptions,
  type GenerateCommandOptions,
  type MergeOptions,
} from '../loadtest/commands.js';
import { overload } from '../loadtest/overload/command.js';
import { SCENARIOS, type ScenarioName, type Sizes } from '../loadtest/scenarios.js';
import { parseSegment, type Segment } from '../loadtest/segments.js';
import { API, API_CPUS, exitStatus, MODE, number, RATE, USERS, type StackChoice } from './options.js';

interface Choice extends StackChoice, Omit<Sizes, 'durationS'> {
  readonly api?: number;
  readonly duration?: number;
  readonly generators: number;
  readonly allowRemote: boolean;
}

const STOCK = new Option('--stock <n>', 'coupons').argParser(number());
const VUS = new Option('--vus <n>', 'virtual users of k6').argParser(number());
const DURATION = new Option('--duration <seconds>', 'of arrivals, or of saturation').argParser(number());
const PROFILE = new Option('--profile <shape>', 'of arrivals').choices(['constant', 'ramping']);
const GENERATORS = new Option(
  '--generators <n>',
  'processes of k6 that share the load, from one common start',
)
  .argParser(number({ most: 100 }))
  .default(1);

function readSegment(text: string): Segment {
  const segment = parseSegment(text);
  if (!segment) throw new InvalidArgumentError('Expected a part of the generators, such as 2/3.');
  return segment;
}

/** k6 waits in its set-up, which has a limit of time. */
const MOST_AHEAD_MS = 30 * 60_000;

function readStart(text: string): Date {
  const at = new Date(text);
  const aheadMs = at.getTime() - Date.now();
  if (aheadMs > 0 && aheadMs <= MOST_AHEAD_MS) return at;
  throw new InvalidArgumentError('Expected an instant of the next 30 minutes, such as 2030-03-01T09:00:00Z.');
}

export function addLoadCommands(program: Command): void {
  const scenario = (name: ScenarioName, what: string, ...sizes: Option[]) => {
    const command = program.command(name).description(what).addOption(API).addOption(MODE);
    for (const size of sizes) command.addOption(size);
    return command
      .addOption(GENERATORS)
      .option('--allow-remote', 'load a stack that is not on this machine', false)
      .action(async ({ api, mode, generators, allowRemote, duration, ...sizes }: Choice) => {
        const given = { ...sizes, ...(duration && { durationS: duration }) };
        const options = { sizes: given, api, mode, generators, allowRemote };
        exitStatus(await runScenarioCommand(name, options));
      });
  };
  scenario('peak', '10,000 users press the button once, at the same time; then the audit', USERS, STOCK);
  scenario('sold-out', '20,000 users for 10,000 coupons', USERS, STOCK, VUS);
  scenario('duplicates', '5,000 users press it three times at once', USERS, STOCK);
  const arrivals = [RATE, DURATION, PROFILE, STOCK, VUS];
  scenario(
    'arrival',
    'users arrive at a set rate, whether or not earlier ones have their answer',
    ...arrivals,
  );
  scenario(
    'saturate',
    'a set number of users ask without a pause, each time as a new one: what the replicas can do',
    ...[VUS, DURATION, STOCK],
  );
  addGeneratorCommands(program);
  program
    .command('audit')
    .description('compare what Redis and MySQL hold of a campaign, and what clients were told')
    .requiredOption('--coupon <id>', 'the campaign', number())
    .addOption(MODE)
    .option('--client-log <file>', 'client.log of a run')
    .option('--stock-raised', 'the stock was raised meanwhile', false)
    .action(async (options: AuditOptions) => exitStatus(await auditCommand(options)));
  program
    .command('overload')
    .description(
      '0.5 to 10 times the measured capacity, then 0.5 times again, on a stack of its own; then the audit',
    )
    .addOption(API_CPUS('CPUs of each replica, so that the others have room; 0: no cap', 8).default(0.06))
    .addOption(new Option('--api <n>', 'replicas of the api').argParser(number()).default(2))
    .action(async (options: { apiCpus: number; api: number }) => exitStatus(await overload(options)));
}

type GenerateChoice = Omit<GenerateCommandOptions, 'sizes' | 'scenario'> &
  Omit<Sizes, 'durationS'> & { duration?: number };

/** A load test from several machines: each generates a part, then one merges them. */
function addGeneratorCommands(program: Command): void {
  const generate = program
    .command('generate')
    .description('one of several generators, on a machine of its own: docs/generators.md')
    .addArgument(new Argument('<scenario>').choices(SCENARIOS))
    .requiredOption('--segment <part>', 'this generator of all, such as 2/3', readSegment)
    .requiredOption('--at <instant>', 'the common start', readStart)
    .requiredOption('--url <url>', 'the front door')
    .requiredOption('--coupon <id>', 'the campaign', number())
    .requiredOption('--out <folder>', 'gets what the clients were told');
  for (const size of [USERS, STOCK, VUS, RATE, DURATION, PROFILE]) generate.addOption(size);
  generate
    .option('--allow-remote', 'load a stack that is not on this machine', false)
    .action((scenario: ScenarioName, choice: GenerateChoice) => {
      const { segment, at, url, coupon, out, allowRemote, duration, ...sizes } = choice;
      const given = { ...sizes, ...(duration && { durationS: duration }) };
      return generateCommand({ scenario, sizes: given, segment, at, url, coupon, out, allowRemote });
    });
  program
    .command('merge')
    .description('audit a running stack against what all generators of a run were told')
    .argument('<folders...>', 'of `generate --out`, one for each generator')
    .addOption(MODE)
    .action(async (folders: string[], options: MergeOptions) =>
      exitStatus(await mergeCommand(folders, options)),
    );
}
