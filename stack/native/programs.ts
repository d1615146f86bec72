import { run } from '../../common/run-command.js';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian keeps servers in sbin, which an ordinary user's PATH lacks. */
const searchPath = (): string[] => [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/sbin',
];

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export function findProgram(name: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/**
 * The redis-server of everything that starts one here: the program that REDIS_SERVER names, else the one on the PATH.
 *
 * @throws when REDIS_SERVER names no program: another version than the one asked for would be tested in silence
 */
export function findRedisServer(): string | undefined {
  const chosen = process.env['REDIS_SERVER'];
  if (!chosen) return findProgram('redis-server');
  if (isProgram(chosen)) return chosen;
  throw new Error(
    `REDIS_SERVER=${chosen} is no program that can be run: give the path of a redis-server, or unset it to use the one on the PATH.`,
  );
}

/** The program's own words about its version: some write them to standard error. */
export async function versionText(program: string, option = '--version'): Promise<string> {
  const { stdout, stderr } = await run(program, [option]);
  return `${stdout}${stderr}`.trim();
}

export interface DatabaseProgram {
  readonly product: 'MySQL' | 'MariaDB';
  readonly server: string;
  readonly version: string;
}

/** MySQL where it is installed (on Debian `mysqld` is MariaDB under another name), else MariaDB. */
export async function findDatabase(): Promise<DatabaseProgram | undefined> {
  for (const name of ['mysqld', 'mariadbd']) {
    const server = findProgram(name);
    if (!server) continue;
    const text = await versionText(server);
    const version = /Ver (\d+\.\d+\.\d+)/.exec(text)?.[1] ?? 'unknown';
    return { product: text.includes('MariaDB') ? 'MariaDB' : 'MySQL', server, version };
  }
  return undefined;
}
