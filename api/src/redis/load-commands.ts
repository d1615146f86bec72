import { readFileSync } from 'node:fs';
import type { Result } from 'ioredis';

/** The commands of `commands/`, each one file, its number of keys in the file's name; `n`: as many as the call says. */
const FILES = {
  issueCoupons: 'issueCoupons-4.lua',
  openGate: 'openGate-3.lua',
  updateGate: 'updateGate-1.lua',
  checkGate: 'checkGate-1.lua',
  inspectGates: 'inspectGates-n.lua',
  settleEntries: 'settleEntries-2.lua',
  ensureGroup: 'ensureGroup-1.lua',
  findUserCoupons: 'findUserCoupons-1.lua',
} as const;

type CommandName = keyof typeof FILES;

interface Command {
  lua: string;
  numberOfKeys?: number;
}

function load(file: string): Command {
  const keys = /-(\d+|n)\.lua$/.exec(file)?.[1];
  if (keys === undefined) throw new Error(`${file} does not say how many keys it takes`);
  const lua = readFileSync(new URL(`./commands/${file}`, import.meta.url), 'utf8');
  return keys === 'n' ? { lua } : { lua, numberOfKeys: Number(keys) };
}

/** For ioredis's `scripts` option. Throws at start when a file is missing, not at the first request. */
export const loadCommands = (): Record<CommandName, Command> =>
  Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, load(file)])) as Record<
    CommandName,
    Command
  >;

type Arguments = (string | number)[];

declare module 'ioredis' {
  interface RedisCommander<Context> {
    issueCoupons(
      meta: string,
      winners: string,
      stream: string,
      undrained: string,
      ...args: Arguments
    ): Result<unknown, Context>;
    openGate(meta: string, registry: string, winners: string, ...args: Arguments): Result<unknown, Context>;
    updateGate(meta: string, ...args: Arguments): Result<unknown, Context>;
    checkGate(meta: string, ...args: Arguments): Result<unknown, Context>;
    inspectGates(numberOfKeys: number, ...keysAndServer: Arguments): Result<unknown, Context>;
    settleEntries(stream: string, undrained: string, ...args: Arguments): Result<unknown, Context>;
    ensureGroup(stream: string, group: string): Result<unknown, Context>;
    findUserCoupons(undrained: string, ...args: Arguments): Result<unknown, Context>;
  }
}
