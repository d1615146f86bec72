import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian keeps servers in sbin, which an ordinary user's PATH lacks. */
const searchPath = (): string[] => [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/local/sbin',
  '/sbin',
];

export function findProgram(name: string): string | undefined {
  return searchPath()
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
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
