import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file in hex, as Prisma records it. */
  checksum: string;
}

/** `prisma/migrations` of this checkout or image, wherever the compiled code stands in it. */
export function findMigrationsFolder(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'prisma', 'migrations');
    if (existsSync(candidate)) return candidate;
  }
  throw new Error(`there is no prisma/migrations in any folder above ${start}`);
}

/** The statements of `prisma/grants.sql`. */
export const readGrants = async (folder = findMigrationsFolder()): Promise<string[]> =>
  splitStatements(await readFile(join(dirname(folder), 'grants.sql'), 'utf8'));

/** Ordered by name, as Prisma orders them. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.toSorted().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** What must not be cut: quoted text (with `\x` and doubled quotes) and comments. */
const OPAQUE =
  /'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`]|``)*`|--(?=[\s]|$)[^\n]*|#[^\n]*|\/\*[^]*?\*\//y;

/**
 * The statements of a migration, comments left out, cut at each `;` that stands outside quotes and comments. `DELIMITER`
 * (stored programs) is not understood: such a file is refused.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let current = '';
  for (let at = 0; at < sql.length;) {
    OPAQUE.lastIndex = at;
    const opaque = OPAQUE.exec(sql)?.[0];
    if (opaque) {
      const isComment = /^(--|#|\/\*(?!M?!))/.test(opaque);
      current += isComment ? ' ' : opaque;
      at += opaque.length;
    } else if (sql[at] === ';') {
      statements.push(current.trim());
      current = '';
      at += 1;
    } else {
      current += sql[at];
      at += 1;
    }
  }
  statements.push(current.trim());
  const found = statements.filter((statement) => statement !== '');
  if (found.some((statement) => /^DELIMITER\b/i.test(statement))) {
    throw new Error('DELIMITER is not supported in migrations: write one statement after the other');
  }
  return found;
}
