import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LogsOptions } from '../types.js';

/** Prints the end of the log files, and what is added while it follows, until Ctrl-C. */
export async function showLogs(
  folder: string,
  { service, lines = 100, follow = false }: LogsOptions,
): Promise<void> {
  const all = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.log')) : [];
  // nginx has three: nginx.log, nginx-access.log, nginx-error.log.
  const belongs = (file: string) => !service || file === `${service}.log` || file.startsWith(`${service}-`);
  const files = all.filter(belongs).map((name) => join(folder, name));
  if (files.length === 0) throw new Error(`no log of ${service ?? 'any service'} in ${folder}`);
  const tail = spawn('tail', ['-n', String(lines), ...(follow ? ['-F'] : []), ...files], {
    stdio: 'inherit',
  });
  await once(tail, 'close');
}
