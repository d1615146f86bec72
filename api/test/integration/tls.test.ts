import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import getPort from 'get-port';
import { createConnection } from 'mariadb';
import { pino } from 'pino';
import { readApiConfig, readMigrateConfig } from '../../src/config.js';
import { migrate } from '../../src/db/migrate.js';
import { findMigrationsFolder, readMigrations } from '../../src/db/migrations.js';
import { createPrismaClient } from '../../src/db/prisma-client.js';
import { closeRedis, connectRedis, waitUntilReady } from '../../src/redis/connection.js';
import { findRedisServer } from '../../../stack/native/programs.js';
import { startReplica } from '../support/api-replica.js';
import { makeCertificates, type Certificates } from '../support/certificates.js';
import { startDatabase, startRedis, until, type TestDatabase, type TestRedis } from '../support/servers.js';

const logger = pino({ level: 'silent' });
const LOOPBACK = { host: '127.0.0.1' };
const USER = 'only-by-tls';

let files: Certificates;
let redis: TestRedis;
let database: TestDatabase;
let tlsPort: number;
let env: Record<string, string>;

/** TLS only beside the plain port that the test's own helper uses; a client must show a certificate. */
const serverFiles = () => ({
  'tls-cert-file': files.cert,
  'tls-key-file': files.key,
  'tls-ca-cert-file': files.ca,
  'tls-auth-clients': 'yes',
  'tls-replication': 'yes',
});

beforeAll(async () => {
  files = makeCertificates();
  tlsPort = await getPort(LOOPBACK);
  const ssl = [`--ssl-ca=${files.ca}`, `--ssl-cert=${files.cert}`, `--ssl-key=${files.key}`];
  [redis, database] = await Promise.all([
    startRedis({ 'tls-port': tlsPort, ...serverFiles() }),
    startDatabase(ssl),
  ]);
  const url = new URL(await database.createDatabase('coupons'));
  const root = await createConnection({ ...LOOPBACK, port: database.port, user: 'root' });
  await root.query(`CREATE USER '${USER}'@'%' IDENTIFIED BY 'secret' REQUIRE SSL`);
  await root.query(`GRANT ALL ON coupons.* TO '${USER}'@'%'`);
  await root.end();
  [url.username, url.password] = [USER, 'secret'];
  env = {
    ...redis.env,
    REDIS_PORT: String(tlsPort),
    REDIS_TLS: 'on',
    REDIS_TLS_CA: files.ca,
    REDIS_TLS_CERT: files.cert,
    REDIS_TLS_KEY: files.key,
    DATABASE_URL: url.href,
    DATABASE_TLS: 'on',
    DATABASE_TLS_CA: files.ca,
    ADMIN_TOKEN: 'test-admin-token-0123456789',
    LOG_LEVEL: 'silent',
  };
});
afterAll(async () => {
  await Promise.all([redis?.remove(), database?.remove()]);
  files?.remove();
});

const runMigrations = async (given: Record<string, string>) =>
  migrate({
    databaseUrl: given['DATABASE_URL']!,
    tls: readMigrateConfig(given),
    migrations: await readMigrations(findMigrationsFolder()),
    logger,
    connectWithinMs: 300,
  });

const pingRedis = async (changed: Record<string, string>) => {
  const client = connectRedis(readApiConfig({ ...env, ...changed }), logger);
  try {
    await waitUntilReady(client, 1_500);
    return await client.ping();
  } finally {
    await closeRedis(client);
  }
};

describe('with TLS to Redis and to MySQL', () => {
  test('the database is migrated, a campaign is made and a coupon is issued', async () => {
    expect(await runMigrations(env)).not.toEqual([]);
    const replica = await startReplica(env);
    try {
      const created = await fetch(`${replica.url}/api/v1/admin/coupons`, {
        method: 'POST',
        headers: { authorization: `Bearer ${env['ADMIN_TOKEN']}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'by TLS', total: 3 }),
      });
      expect(created.status).toBe(201);
      const { couponId } = (await created.json()) as { couponId: number };
      const issued = await fetch(`${replica.url}/api/v1/coupons/call/${couponId}`, {
        method: 'POST',
        headers: { 'x-user-id': 'alice' },
      });
      expect(issued.status).toBe(200);
    } finally {
      await replica.close();
    }
  });

  test('MySQL is not trusted when another authority signed, and not reached without TLS', async () => {
    await expect(runMigrations({ ...env, DATABASE_TLS_CA: files.otherCa })).rejects.toThrow(
      /did not let us in/,
    );
    await expect(runMigrations({ ...env, DATABASE_TLS: 'off' })).rejects.toThrow(/did not let us in/);
    const prisma = createPrismaClient(readApiConfig({ ...env, DATABASE_TLS_CA: files.otherCa }));
    await expect(prisma.$queryRaw`SELECT 1`).rejects.toThrow();
    await prisma.$disconnect();
  });

  test('Redis is not trusted when another authority signed, and does not let in a client without a certificate', async () => {
    expect(await pingRedis({})).toBe('PONG');
    await expect(pingRedis({ REDIS_TLS_CA: files.otherCa })).rejects.toThrow(/did not answer/);
    await expect(pingRedis({ REDIS_TLS_CERT: '', REDIS_TLS_KEY: '' })).rejects.toThrow(/did not answer/);
    await expect(pingRedis({ REDIS_TLS: 'off' })).rejects.toThrow(/did not answer/);
  });

  test('a file that cannot be read is a fault of the environment', () => {
    expect(() => readApiConfig({ ...env, REDIS_TLS_CA: '/nowhere.pem' })).toThrow(
      /REDIS_TLS_CA: cannot be read/,
    );
  });
});

describe('with TLS to a sentinel', () => {
  let sentinel: ChildProcess;
  let port: number;
  const folder = mkdtempSync(join(tmpdir(), 'test-tls-sentinel-'));

  beforeAll(async () => {
    port = await getPort(LOOPBACK);
    const settings = Object.entries({
      bind: '127.0.0.1',
      port: 0,
      'tls-port': port,
      dir: folder,
      ...serverFiles(),
    });
    const lines = [
      ...settings.map(([name, value]) => `${name} ${value}`),
      `sentinel monitor coupons 127.0.0.1 ${tlsPort} 1`,
      `sentinel auth-pass coupons ${redis.password}`,
    ];
    writeFileSync(join(folder, 'sentinel.conf'), `${lines.join('\n')}\n`, { mode: 0o600 });
    const program = findRedisServer() ?? 'redis-server';
    sentinel = spawn(program, [join(folder, 'sentinel.conf'), '--sentinel'], { stdio: 'ignore' });
  });
  afterAll(async () => {
    if (sentinel.exitCode === null) {
      sentinel.kill('SIGKILL');
      await once(sentinel, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  test('the primary that it names is reached by TLS', async () => {
    const sentinels = { REDIS_SENTINELS: `127.0.0.1:${port}`, REDIS_MIN_REPLICAS: '1', REDIS_PORT: '1' };
    expect(await until('the sentinel answers', () => pingRedis(sentinels))).toBe('PONG');
    await expect(pingRedis({ ...sentinels, REDIS_TLS: 'off' })).rejects.toThrow(/did not answer/);
  });
});
