import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'nginx'))) return folder;
  }
  throw new Error(`no project folder above ${from}`);
}

/** The checkout, whether this file runs from it or from `dist/`. */
export const projectRoot = findRoot(dirname(fileURLToPath(import.meta.url)));

export const envFile = join(projectRoot, '.env');

/** A compiled entry point, such as `main-api`. */
export const apiProgram = (name: string): string => join(projectRoot, 'dist', 'api', 'src', `${name}.js`);

/** Everything of one native instance: data, logs, records of its processes. Git-ignored. */
export const instanceFolder = (name: string): string => join(projectRoot, '.stack', name);

/** Where the tools of a folder of this project write what they measured. */
export const resultsFolder = (tool: 'bench' | 'faults' | 'loadtest'): string =>
  join(projectRoot, tool, 'results');
