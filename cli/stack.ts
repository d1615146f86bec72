import { Option, type Command } from 'commander';
import { abortOnSignals, say } from '../common/command-line.js';
import { ensureEnvFile } from '../stack/env-file.js';
import { ensurePrograms, ensureTools } from '../stack/install.js';
import { openStack } from '../stack/open-stack.js';
import { statusTable } from '../stack/status-table.js';
import type { Stack } from '../stack/types.js';
import { API, MODE, number, type StackChoice } from './options.js';

interface Choice extends StackChoice {
  readonly name?: string;
}

const NAME = new Option('--name <instance>', 'another instance than the default one (native only)');
const WORKER = new Option('--worker <n>', 'workers').argParser(number());
const LINES = new Option('--lines <n>', 'of each log').argParser(number());

const open = ({ mode, name }: Choice): Promise<Stack> =>
  openStack({ ...(mode && { mode }), ...(name && { name }), onProgress: say });

async function printStatus(stack: Stack): Promise<void> {
  const services = await stack.status();
  say(services.length === 0 ? `nothing runs (${stack.mode})` : statusTable(services));
}

/** Those that died count too: `up` starts them again. */
const knownReplicas = async (stack: Stack): Promise<number> =>
  (await stack.status()).filter(({ service }) => service.startsWith('api')).length;

async function up({ api, worker, ...choice }: Choice & { api?: number; worker?: number }): Promise<void> {
  const signal = abortOnSignals(() => 'what was started stops again');
  const stack = await open(choice);
  const replicas = api ?? ((await knownReplicas(stack)) || 3);
  await stack.up({ api: replicas, ...(worker && { worker }), signal });
  await printStatus(stack);
  const { mode, frontUrl } = stack;
  say(`\n${mode}: ${frontUrl} · try  curl -X POST -H 'X-USER-ID: 1' ${frontUrl}/api/v1/coupons/call/1`);
}

async function scale({ api, ...choice }: Choice & { api: number }): Promise<void> {
  const stack = await open(choice);
  await stack.scale(api);
  await printStatus(stack);
}

interface LogsChoice extends Choice {
  readonly follow?: boolean;
  readonly lines?: number;
}

const logs = async (service: string | undefined, { follow = false, lines, ...choice }: LogsChoice) =>
  (await open(choice)).logs({ ...(service && { service }), ...(lines && { lines }), follow });

async function install({ tools }: { tools?: boolean }): Promise<void> {
  await ensurePrograms(say);
  if (tools) ensureTools(say);
}

export function addStackCommands(program: Command): void {
  const command = (line: string, what: string) =>
    program.command(line).description(what).addOption(MODE).addOption(NAME);
  command('up', 'start what is missing, wait until it serves').addOption(API).addOption(WORKER).action(up);
  command('scale', 'change the number of replicas under traffic')
    .requiredOption('--api <n>', 'replicas of the api', number())
    .action(scale);
  command('status', 'what runs').action(async (choice: Choice) => printStatus(await open(choice)));
  command('logs', 'last lines of the logs')
    .argument('[service]', 'such as api-1')
    .option('-f, --follow', 'go on')
    .addOption(LINES)
    .action(logs);
  command('down', 'stop everything, keep the data').action(async (choice: Choice) =>
    (await open(choice)).down(),
  );
  command('ops', 'operator commands: lag, reconcile, dead-letters, rebuild, facts')
    .argument('<command...>', 'after --, with its own options')
    .action(async (args: string[], choice: Choice) => (await open(choice)).ops(args, { onLine: say }));
  program
    .command('install')
    .description('install the programs of native mode')
    .option('--tools', 'those of measurements and tests too')
    .action(install);
  program
    .command('env')
    .description('write .env with random secrets, or add those it lacks')
    .action(() => say(ensureEnvFile() ? '.env written' : '.env is complete'));
}
