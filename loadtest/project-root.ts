import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder, found from the sources as well as from dist/. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'loadtest', 'k6-build', 'go.mod'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('the folder with loadtest/k6-build/go.mod is not above this program');
    folder = parent;
  }
  return folder;
}
