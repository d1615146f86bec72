import { Option, type Command } from 'commander';
import { auditCommand, runScenarioCommand, type AuditOptions } from '../loadtest/commands.js';
import { overload } from '../loadtest/overload/command.js';
import type { ScenarioName, Sizes } from '../loadtest/scenarios.js';
import { WARM_UP_USERS } from '../loadtest/warm-up.js';
import { API, API_CPUS, exitStatus, MODE, number, RATE, USERS, type StackChoice } from './options.js';

interface Choice extends StackChoice, Omit<Sizes, 'durationS'> {
  readonly api?: number;
  readonly duration?: number;
  readonly warmUp: number;
  readonly allowRemote: boolean;
}

const STOCK = new Option('--stock <n>', 'coupons').argParser(number());
const VUS = new Option('--vus <n>', 'virtual users of k6').argParser(number());
const DURATION = new Option('--duration <seconds>', 'of arrivals').argParser(number());
const PROFILE = new Option('--profile <shape>', 'of arrivals').choices(['constant', 'ramping']);
const WARM_UP = new Option('--warm-up <n>', 'users for each replica before the run; 0: none')
  .argParser(number({ least: 0 }))
  .default(WARM_UP_USERS);

export function addLoadCommands(program: Command): void {
  const scenario = (name: ScenarioName, what: string, ...sizes: Option[]) => {
    const command = program.command(name).description(what).addOption(API).addOption(MODE);
    for (const size of sizes) command.addOption(size);
    return command
      .addOption(WARM_UP)
      .option('--allow-remote', 'load a stack that is not on this machine', false)
      .action(async ({ api, mode, warmUp, allowRemote, duration, ...sizes }: Choice) => {
        const given = { ...sizes, ...(duration && { durationS: duration }) };
        exitStatus(await runScenarioCommand(name, { sizes: given, api, mode, warmUp, allowRemote }));
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
