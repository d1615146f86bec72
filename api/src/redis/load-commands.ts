import { readFileSync } from 'node:fs';
import type { Result } from 'ioredis';

/** The commands of `commands/`, each one file, its number of keys in the file's name. */
const FILES = {
  issueCoupons: 'issueCoupons-3.lua',
  openGate: 'openGate-3.lua',
  updateGate: 'updateGate-1.lua',
  findUserCoupons: 'findUserCoupons-2.lua',
} as const;

export type CommandName = keyof typeof FILES;

/** For ioredis's `scripts` option. Throws at start when a file is missing, not at the first request. */
export function loadCommands(): Record<CommandName, { lua: string; numberOfKeys: number }> {
  const load = (file: string) => {
    const numberOfKeys = Number(/-(\d+)\.lua$/.exec(file)?.[1]);
    return { lua: readFileSync(new URL(`./commands/${file}`, import.meta.url), 'utf8'), numberOfKeys };
  };
  return {
    issueCoupons: load(FILES.issueCoupons),
    openGate: load(FILES.openGate),
    updateGate: load(FILES.updateGate),
    findUserCoupons: load(FILES.findUserCoupons),
  };
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    issueCoupons(
      meta: string,
      winners: string,
      stream: string,
      ...args: (string | number)[]
    ): Result<unknown, Context>;
    openGate(
      meta: string,
      registry: string,
      winners: string,
      ...args: (string | number)[]
    ): Result<unknown, Context>;
    updateGate(meta: string, ...args: (string | number)[]): Result<unknown, Context>;
    findUserCoupons(registry: string, stream: string, ...args: (string | number)[]): Result<unknown, Context>;
  }
}
