import { readMigrateConfig } from './config.js';
import { migrate, MigrationError } from './db/migrate.js';
import { findMigrationsFolder, readGrants, readMigrations } from './db/migrations.js';
import { createLogger } from './logger.js';
import { runMain } from './run-main.js';

/** One-shot job: brings the database up to date. Status 0 when it is, also when there was nothing to do. */
async function start(): Promise<void> {
  const config = readMigrateConfig();
  const logger = createLogger('migrate', config.LOG_LEVEL);
  const migrations = await readMigrations(findMigrationsFolder());
  const applied = await migrate({
    databaseUrl: config.DATABASE_URL,
    tls: config,
    migrations,
    ...(config.DATABASE_GRANTS === 'on' && { grants: await readGrants() }),
    logger,
  });
  logger.info({ applied, known: migrations.length }, 'the database is up to date');
}

await runMain(start, [[MigrationError, 1]]);
