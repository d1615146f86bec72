import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type Connection } from 'mariadb';
import type { Logger } from '../logger.js';
import type { Migration } from './migrations.js';
import { parseDatabaseUrl, toTlsOptions, type DatabaseTls } from './prisma-client.js';

/** The message says what to do next. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

interface MigrateOptions {
  databaseUrl: string;
  migrations: readonly Migration[];
  tls?: DatabaseTls;
  /** SQL that is run after every migration, also when there was nothing to migrate: it may be repeated. */
  grants?: string;
  logger: Logger;
  /** How long to wait for the database to answer, and then for another migration to end. Both in ms. */
  connectWithinMs?: number;
  lockWithinMs?: number;
}

interface Recorded {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

const LOCK = 'coupon-rush-migrate';
const RETRY_MS = 500;

/** Exactly as Prisma makes it, so that `prisma migrate status` and `deploy` agree where its engine is available. */
const CREATE_HISTORY = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    finished_at DATETIME(3),
    migration_name VARCHAR(255) NOT NULL,
    logs TEXT,
    rolled_back_at DATETIME(3),
    started_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    applied_steps_count INTEGER UNSIGNED NOT NULL DEFAULT 0
  ) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`;

/** Applies what is missing, under a lock of the database. Returns the names applied. Throws `MigrationError`. */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const connection = await connect(options);
  try {
    await takeLock(connection, options.lockWithinMs ?? 60_000);
    await connection.query(CREATE_HISTORY);
    const pending = findPending(options.migrations, await readHistory(connection));
    for (const migration of pending) {
      await apply(connection, migration);
      options.logger.info({ migration: migration.name }, 'migration applied');
    }
    if (options.grants) await give(connection, options.grants);
    return pending.map(({ name }) => name);
  } finally {
    // The lock goes with the connection.
    await connection.end().catch(() => connection.destroy());
  }
}

async function give(connection: Connection, grants: string): Promise<void> {
  try {
    await connection.query(grants);
  } catch (err) {
    throw new MigrationError(
      `The grants failed: ${(err as Error).message}. The accounts must be there first: see prisma/grants.sql.`,
      { cause: err },
    );
  }
}

async function connect({
  databaseUrl,
  tls = {},
  logger,
  connectWithinMs = 60_000,
}: MigrateOptions): Promise<Connection> {
  const deadline = performance.now() + connectWithinMs;
  for (let tries = 1; ; tries++) {
    try {
      const connection = await createConnection({
        ...parseDatabaseUrl(databaseUrl),
        ...toTlsOptions(tls),
        connectTimeout: 5_000,
        allowPublicKeyRetrieval: true,
        // A file is sent as it is: only the server knows for certain where a statement ends.
        multipleStatements: true,
        initSql: [
          "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
          'SET SESSION lock_wait_timeout = 60',
        ],
      });
      // The statement under way is rejected; without a listener the event would end the process before that.
      connection.on('error', () => undefined);
      return connection;
    } catch (err) {
      if (performance.now() > deadline) {
        throw new MigrationError(
          `The database did not let us in within ${connectWithinMs} ms: check DATABASE_URL and the database's log.`,
          { cause: err },
        );
      }
      if (tries === 1) logger.info({ reason: (err as Error).message }, 'waiting for the database');
      await sleep(RETRY_MS);
    }
  }
}

async function takeLock(connection: Connection, withinMs: number): Promise<void> {
  const [row] = await connection.query<{ taken: number | bigint | null }[]>(
    'SELECT GET_LOCK(?, ?) AS taken',
    [LOCK, Math.ceil(withinMs / 1000)],
  );
  if (Number(row?.taken) !== 1) {
    throw new MigrationError(
      `Another migration has been running for more than ${withinMs} ms: wait for it, then run this again.`,
    );
  }
}

const readHistory = (connection: Connection): Promise<Recorded[]> =>
  connection.query(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );

function findPending(migrations: readonly Migration[], history: readonly Recorded[]): Migration[] {
  const unfinished = history.find(({ finished_at }) => finished_at === null);
  if (unfinished) {
    throw new MigrationError(
      `Migration ${unfinished.migration_name} failed half-way (its error is in _prisma_migrations.logs). Undo what it ` +
        `did, then "UPDATE _prisma_migrations SET rolled_back_at = NOW(3) WHERE migration_name = ` +
        `'${unfinished.migration_name}' AND finished_at IS NULL", and run this again.`,
    );
  }
  const recorded = new Map(history.map((row) => [row.migration_name, row.checksum]));
  const changed = migrations.find(({ name, checksum }) => (recorded.get(name) ?? checksum) !== checksum);
  if (changed) {
    throw new MigrationError(
      `Migration ${changed.name} was changed after it had been applied: restore the file, and put the change into a ` +
        'migration of its own.',
    );
  }
  return migrations.filter(({ name }) => !recorded.has(name));
}

/** Recorded before it starts: DDL cannot be rolled back, so a half-way failure must stay visible. */
async function apply(connection: Connection, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await connection.query(
    'INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at) VALUES (?, ?, ?, NOW(3))',
    [id, checksum, name],
  );
  try {
    await connection.query(sql);
  } catch (err) {
    const logs = err instanceof Error ? err.message : String(err);
    await connection.query('UPDATE _prisma_migrations SET logs = ? WHERE id = ?', [logs, id]);
    throw new MigrationError(`Migration ${name} failed: ${logs}`, { cause: err });
  }
  await connection.query(
    'UPDATE _prisma_migrations SET finished_at = NOW(3), applied_steps_count = 1 WHERE id = ?',
    [id],
  );
}
