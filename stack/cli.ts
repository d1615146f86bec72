#!/usr/bin/env node
import { allowClosedOutput, readArguments, readNumber, runMain, say } from '../common/command-line.js';
import { table } from '../common/table.js';
import { ensureEnvFile } from './env-file.js';
import { ensurePrograms, ensureTools } from './install.js';
import { openStack } from './open-stack.js';
import { parseMode } from './select-mode.js';
import type { ServiceStatus, Stack, StackOptions } from './types.js';

const usage = `usage: stack COMMAND [options]
  up       [--api N] [--worker N]   start what is missing, wait until it serves
  scale    --api N                  change the number of replicas under traffic
  status                            what runs
  logs     [SERVICE] [--follow] [--lines N]
  down                              stop everything, keep the data
  ops      -- COMMAND [options]     operator commands: lag, reconcile, dead-letters, rebuild, facts
  install  [--tools]                install the programs of native mode, and those of measurements and tests
  env                               write .env with random secrets, or add those it lacks
options: --mode native|compose   --name INSTANCE (native only)`;

const { values, positionals } = readArguments({
  allowPositionals: true,
  options: {
    api: { type: 'string' },
    worker: { type: 'string' },
    mode: { type: 'string' },
    name: { type: 'string' },
    lines: { type: 'string' },
    follow: { type: 'boolean', short: 'f' },
    tools: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});

const count = (name: 'api' | 'worker' | 'lines'): number | undefined => readNumber(`--${name}`, values[name]);

const open = (): Promise<Stack> =>
  openStack({
    ...(values.mode && { mode: parseMode(values.mode) }),
    ...(values.name && { name: values.name }),
    onProgress: say,
  } satisfies StackOptions);

/** 3h 20m, 20m 5s, 5s */
function formatUptime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

function rowOf(service: ServiceStatus): string[] {
  const { startedAt, cpuSeconds } = service;
  return [
    service.service,
    service.state,
    String(service.pid ?? '-'),
    String(service.port ?? '-'),
    startedAt ? formatUptime(Date.now() - startedAt.getTime()) : '-',
    cpuSeconds === undefined ? '-' : `${cpuSeconds.toFixed(1)} s`,
    service.note ?? '',
  ];
}

async function printStatus(stack: Stack): Promise<void> {
  const services = await stack.status();
  if (services.length === 0) return say(`nothing runs (${stack.mode})`);
  say(table([['service', 'state', 'pid', 'port', 'up', 'cpu', ''], ...services.map(rowOf)]));
}

/** Those that died count too: `up` starts them again. */
const knownReplicas = async (stack: Stack): Promise<number> =>
  (await stack.status()).filter(({ service }) => service.startsWith('api')).length;

async function up(stack: Stack): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)));
  }
  const [api, worker] = [count('api'), count('worker')];
  const replicas = api ?? ((await knownReplicas(stack)) || 3);
  await stack.up({ api: replicas, ...(worker && { worker }), signal: interrupted.signal });
  await printStatus(stack);
  say(
    `\n${stack.mode}: ${stack.frontUrl} · try  curl -X POST -H 'X-USER-ID: 1' ${stack.frontUrl}/api/v1/coupons/call/1`,
  );
}

async function scale(stack: Stack): Promise<void> {
  const api = count('api');
  if (api === undefined) throw new Error('scale needs --api N (make scale API=N)');
  await stack.scale(api);
  await printStatus(stack);
}

function logs(stack: Stack): Promise<void> {
  const [service, lines] = [positionals[1], count('lines')];
  return stack.logs({ ...(service && { service }), ...(lines && { lines }), follow: values.follow ?? false });
}

const commands: Readonly<Record<string, () => Promise<void>>> = {
  up: async () => up(await open()),
  scale: async () => scale(await open()),
  status: async () => printStatus(await open()),
  logs: async () => logs(await open()),
  down: async () => (await open()).down(),
  ops: async () => (await open()).ops(positionals.slice(1), { onLine: say }),
  install: async () => {
    await ensurePrograms(say);
    if (values.tools) ensureTools(say);
  },
  env: async () => say(ensureEnvFile() ? '.env written' : '.env is complete'),
};

/** The operator's command decides by itself when its own output is closed, and ends then. */
const onlyPrint = ['status', 'logs', 'ops'];

allowClosedOutput(onlyPrint.includes(positionals[0] ?? '') ? 'end' : 'goOn');
await runMain(async () => {
  const command = commands[positionals[0] ?? ''];
  if (!command || values.help) console.error(usage);
  else await command();
  return command || values.help ? 0 : 2;
});
