import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { createPool, type Pool } from 'mariadb';
import type { DatabaseConfig } from '../config.js';
import { PrismaClient } from './generated/client.js';

export type { PrismaClient };

/** A database that is gone or hangs is an error within these times, in ms. */
const CONNECT_TIMEOUT_MS = 2_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
/** No byte from the server for so long while a query runs. Longer than the server's own wait for a row lock. */
const SOCKET_TIMEOUT_MS = 15_000;
const LOCK_WAIT_SECONDS = 5;

/** Where DATABASE_URL points, as the connector wants it. Throws `TypeError` when it is no URL. */
export function parseDatabaseUrl(databaseUrl: string) {
  const url = new URL(databaseUrl);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : 3306,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  };
}

/**
 * Every session: UTC, strict (a value that does not fit is an error, never cut), read committed (a drain statement locks
 * the rows it writes and their coupon, no gaps). MariaDB from 11.6.2 on refuses to touch a row that another session wrote since the
 * statement began (error 1020), read committed or not; the drain statement wants to see it as the duplicate that it is.
 */
const SESSION = [
  `SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}, ` +
    `sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'` +
    ` /*M!110602 , innodb_snapshot_isolation = OFF */`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

export type DatabaseTls = Partial<
  Pick<DatabaseConfig, 'DATABASE_TLS' | 'DATABASE_TLS_CA' | 'DATABASE_TLS_CERT' | 'DATABASE_TLS_KEY'>
>;

/** Nothing when TLS is off. */
export function toTlsOptions(config: DatabaseTls) {
  if (config.DATABASE_TLS !== 'on') return {};
  const { DATABASE_TLS_CA: ca, DATABASE_TLS_CERT: cert, DATABASE_TLS_KEY: key } = config;
  return { ssl: { rejectUnauthorized: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } };
}

type ClientConfig = Pick<DatabaseConfig, 'DATABASE_URL' | 'DATABASE_POOL'> & DatabaseTls;

/** Connects on first use; `$disconnect()` it when done. */
export function createPrismaClient(config: ClientConfig): PrismaClient {
  const adapter: Pick<PrismaMariaDb, 'provider' | 'adapterName' | 'connect'> = {
    provider: 'mysql',
    adapterName: 'mariadb',
    connect: () => {
      const pool = createSafePool(config);
      // One round trip a query; a prepared statement that is not kept costs two.
      return new PrismaMariaDb(pool, { useTextProtocol: true, disposeExternalPool: true }).connect();
    },
  };
  return new PrismaClient({ adapter, errorFormat: 'minimal' });
}

function createSafePool(config: ClientConfig): Pool {
  const pool = createPool({
    ...parseDatabaseUrl(config.DATABASE_URL),
    ...toTlsOptions(config),
    connectionLimit: config.DATABASE_POOL,
    minimumIdle: 1,
    connectTimeout: CONNECT_TIMEOUT_MS,
    acquireTimeout: ACQUIRE_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    initSql: SESSION,
    // MySQL's caching_sha2_password without TLS asks the server for its key.
    allowPublicKeyRetrieval: true,
    // Count rows that were changed, not rows that were found: the drain statement tells new rows from old by it.
    foundRows: false,
    // The text protocol is used: nothing is prepared, so nothing is to be kept.
    prepareCacheLength: 0,
  });
  // The pool listens for one error a connection; a second one without a listener would end the process.
  pool.on('connection', (connection) => connection.on('error', () => undefined));
  return pool;
}
