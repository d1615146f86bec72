import { ConfigError, readMigrateConfig } from './config.js';
import { migrate, MigrationError } from './db/migrate.js';
import { findMigrationsFolder, readGrants, readMigrations } from './db/migrations.js';
import { createLogger } from './logger.js';

/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;

/** One-shot job: brings the database up to date. Status 0 when it is, also when there was nothing to do. */
async function main(): Promise<void> {
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

main().catch((err: unknown) => {
  const isExpected = err instanceof MigrationError || err instanceof ConfigError;
  process.stderr.write(`${isExpected ? err.message : String((err as Error)?.stack ?? err)}\n`);
  process.exitCode = err instanceof ConfigError ? EXIT_CONFIG : 1;
});
