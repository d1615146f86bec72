import { InvalidArgumentError, Option, type Command } from 'commander';
import { runCampaignsCommand, type CampaignsOptions } from '../faults/campaigns.js';
import { runFaults } from '../faults/commands.js';
import { fuzz } from '../faults/fuzz.js';
import { tryMutantsCommand } from '../faults/mutants/command.js';
import { EVERY_SCENARIO, QUICK_SCENARIOS, type Options } from '../faults/options.js';
import { drawSeed } from '../common/random.js';
import { soak, type SoakOptions } from '../faults/soak.js';
import { ARCHIVE_AFTER, exitStatus, MODE, number, SEED, words } from './options.js';

function readScenarios(text: string): number[] {
  const numbers = words(text).map(Number);
  const unknown = numbers.find((one) => !EVERY_SCENARIO.includes(one));
  if (numbers.length === 0 || unknown !== undefined)
    throw new InvalidArgumentError(`Expected numbers of scenarios from ${EVERY_SCENARIO.join(', ')}.`);
  return numbers;
}

type FaultsChoice = Partial<Pick<Options, 'seed' | 'only' | 'mode'>> &
  Pick<Options, 'quick' | 'keep'> & { again: boolean };

async function faults({ seed = drawSeed(), only, mode = 'native', ...rest }: FaultsChoice): Promise<void> {
  const chosen = only ?? (rest.quick ? QUICK_SCENARIOS : EVERY_SCENARIO);
  exitStatus(await runFaults({ seed, only: chosen, mode, ...rest }));
}

export function addFaultCommands(program: Command): void {
  program
    .command('faults')
    .description('kill, stop, wipe and cut off every part under load, then audit')
    .addOption(SEED)
    .addOption(MODE)
    .addOption(new Option('--only <numbers>', 'scenarios, such as 1,3,5').argParser(readScenarios))
    .option('--quick', `a short selection (${QUICK_SCENARIOS.join(', ')}), with fewer faults each`, false)
    .option('--again', 'run again what failed in the last whole run, with its seed', false)
    .option('--keep', 'leave the stack running', false)
    .action(faults);
  program
    .command('fuzz')
    .description('malformed and hostile requests to a stack of its own')
    .addOption(new Option('--requests <n>').argParser(number()).default(24_000))
    .addOption(SEED)
    .action(async ({ requests, seed = drawSeed() }: { requests: number; seed?: number }) =>
      exitStatus(await fuzz({ requests, seed })),
    );
  program
    .command('soak')
    .description('ordinary traffic on a stack of its own: does everything stay flat?')
    .addOption(
      new Option('--minutes <n>').argParser(number({ least: 0.01, most: 600, whole: false })).default(15),
    )
    .addOption(SEED)
    .addOption(ARCHIVE_AFTER)
    .action(async ({ minutes, seed = drawSeed(), archiveAfter = 5_000 }: SoakOptions & { seed?: number }) =>
      exitStatus(await soak({ minutes, seed, archiveAfter })),
    );
  const many = number({ least: 20, most: 100_000 });
  program
    .command('campaigns')
    .description('campaigns one after the other on a stack of its own, in flat memory')
    .addOption(new Option('--campaigns <n>').argParser(many).default(2_000))
    .addOption(new Option('--coupons <n>', 'of each').argParser(many).default(1_000))
    .addOption(ARCHIVE_AFTER)
    .action(async ({ archiveAfter = 2_000, ...rest }: CampaignsOptions & { archiveAfter?: number }) =>
      exitStatus(await runCampaignsCommand({ ...rest, archiveAfter })),
    );
  program
    .command('mutants')
    .description('break a copy of the source in known ways, one at a time: does a test notice?')
    .option('--only <text>', 'mutants with this in their name')
    .action(async (options: { only?: string }) => exitStatus(await tryMutantsCommand(options)));
}
