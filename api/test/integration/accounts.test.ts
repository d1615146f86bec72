import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createConnection } from 'mariadb';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { migrate } from '../../src/db/migrate.js';
import { findMigrationsFolder, readGrants, readMigrations } from '../../src/db/migrations.js';
import { redisAccounts } from '../../../stack/native/accounts.js';
import type { Secrets } from '../../../stack/env-file.js';
import { startDatabase, startRedis, type TestDatabase, type TestRedis } from '../support/servers.js';

const logger = pino({ level: 'silent' });
const PASSWORD = 'password-of-this-test';
/** Every secret is this one. */
const secrets = new Proxy({}, { get: () => PASSWORD }) as Secrets;
const DATABASE_USERS = ['coupon', 'coupon_api', 'coupon_worker', 'coupon_ops', 'coupon_metrics'];

let redis: TestRedis;
let database: TestDatabase;
const connections: Redis[] = [];

const connectRedis = (account: string, password = PASSWORD): Redis => {
  const login = account === 'default' ? { password: redis.password } : { username: account, password };
  const client = new Redis({ host: '127.0.0.1', port: redis.port, ...login });
  connections.push(client);
  return client;
};

const connectDatabase = (user: string) =>
  createConnection({ host: '127.0.0.1', port: database.port, user, password: PASSWORD, database: 'coupons' });

async function makeAccounts(): Promise<void> {
  const admin = connectRedis('default');
  for (const line of redisAccounts(secrets)
    .split('\n')
    .filter((text) => text.startsWith('user '))) {
    await admin.call('ACL', 'SETUSER', ...line.split(' ').slice(1));
  }
  const migrations = await readMigrations(findMigrationsFolder());
  const databaseUrl = await database.createDatabase('coupons');
  const root = await createConnection({ host: '127.0.0.1', port: database.port, user: 'root' });
  for (const user of DATABASE_USERS)
    await root.query(`CREATE USER '${user}'@'%' IDENTIFIED BY '${PASSWORD}'`);
  await root.query("GRANT ALL ON coupons.* TO 'coupon'@'%' WITH GRANT OPTION");
  await root.end();
  const url = new URL(databaseUrl);
  [url.username, url.password] = ['coupon', PASSWORD];
  await migrate({ databaseUrl: url.href, migrations, grants: await readGrants(), logger });
}

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), startDatabase()]);
  await makeAccounts();
});
afterAll(async () => {
  for (const client of connections) client.disconnect();
  await Promise.all([redis?.remove(), database?.remove()]);
});

const META = '{p1}:coupon:1:meta';
const STREAM = '{p1}:issued';
const GROUP = ['GROUP', 'drainers', 'me', 'STREAMS', STREAM, '>'];

describe('in Redis', () => {
  test.each([
    ['api', 'takes stream entries', ['XREADGROUP', ...GROUP]],
    ['api', 'deletes stream entries', ['XDEL', STREAM, '1-1']],
    ['api', 'acknowledges stream entries', ['XACK', STREAM, 'drainers', '1-1']],
    ['api', 'removes a stream', ['UNLINK', STREAM]],
    ['api', 'removes a stream in a script', ['EVAL', "return redis.call('UNLINK', KEYS[1])", '1', STREAM]],
    ['api', 'touches a key of somebody else', ['HGET', 'other', 'field']],
    ['ops', 'takes stream entries', ['XREADGROUP', ...GROUP]],
    ['worker', 'touches a key of somebody else', ['HSET', 'other', 'field', '1']],
    ['metrics', 'reads entries', ['XRANGE', STREAM, '-', '+']],
    ['metrics', 'counts entries', ['XLEN', STREAM]],
    ['metrics', 'reads a gate', ['HMGET', META, 'total']],
    ['metrics', 'writes', ['HSET', META, 'total', '1']],
    ...['api', 'worker', 'ops', 'metrics'].flatMap((account): [string, string, string[]][] => [
      [account, 'empties Redis', ['FLUSHALL']],
      [account, 'changes the configuration', ['CONFIG', 'SET', 'appendonly', 'no']],
      [account, 'lists keys', ['KEYS', '*']],
      [account, 'gives itself rights', ['ACL', 'SETUSER', account, '+@all']],
      [account, 'makes it a replica', ['REPLICAOF', '127.0.0.1', '1']],
      [account, 'ends it', ['SHUTDOWN', 'NOSAVE']],
    ]),
  ])('%s is refused when it %s', async (account, _what, [command, ...args]) => {
    await expect(connectRedis(account).call(command!, ...args)).rejects.toThrow(/NOPERM|can't access/);
  });

  test('the password of an account is needed', async () => {
    const client = new Redis({
      ...{ host: '127.0.0.1', port: redis.port, username: 'api', password: 'another' },
      ...{ lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 },
    });
    client.on('error', () => undefined);
    connections.push(client);
    await expect(client.connect().then(() => client.ping())).rejects.toThrow();
  });
});

const INSERT = `INSERT INTO issued_coupons (coupon_id, user_id, issue_rank, issued_at, attempt)
  VALUES (1, 'thief', 1, NOW(3), 'x')`;

describe('in MySQL', () => {
  test.each([
    ['coupon_api', 'hands out a coupon', INSERT],
    ['coupon_api', 'changes who has one', "UPDATE issued_coupons SET user_id = 'thief'"],
    ['coupon_api', 'deletes a campaign', 'DELETE FROM coupons WHERE id = 1'],
    ['coupon_api', 'holds a lease', "INSERT INTO worker_leases VALUES ('w', 't', 1, NOW(3))"],
    [
      'coupon_worker',
      'makes a campaign',
      "INSERT INTO coupons (name, total, opens_at) VALUES ('x', 1, NOW(3))",
    ],
    ['coupon_worker', 'deletes a dead letter', 'DELETE FROM dead_letters'],
    ['coupon_ops', 'hands out a coupon', INSERT],
    ['coupon_ops', 'makes a campaign', "INSERT INTO coupons (name, total, opens_at) VALUES ('x', 1, NOW(3))"],
    ...['coupon_api', 'coupon_worker', 'coupon_ops'].flatMap((user): [string, string, string][] => [
      [user, 'takes a coupon away', 'DELETE FROM issued_coupons'],
      [user, 'drops a table', 'DROP TABLE issued_coupons'],
      [user, 'changes a table', 'ALTER TABLE coupons ADD COLUMN x INT'],
      [user, 'makes a table', 'CREATE TABLE x (id INT)'],
      [user, 'reads passwords', 'SELECT * FROM mysql.user'],
    ]),
  ])('%s is refused when it %s', async (user, _what, statement) => {
    const connection = await connectDatabase(user);
    try {
      await expect(connection.query(statement)).rejects.toThrow(/denied/);
    } finally {
      await connection.end();
    }
  });

  test('what counts the server, reads no table', async () => {
    await expect(connectDatabase('coupon_metrics')).rejects.toThrow(/denied/);
    const url = { host: '127.0.0.1', port: database.port, user: 'coupon_metrics', password: PASSWORD };
    const connection = await createConnection(url);
    expect(await connection.query('SHOW GLOBAL STATUS')).not.toHaveLength(0);
    await connection.end();
  });

  test('an account that is missing is said, with what to do', async () => {
    const databaseUrl = `mysql://coupon:${PASSWORD}@127.0.0.1:${database.port}/coupons`;
    const grants = "GRANT SELECT ON coupons TO 'nobody'@'%'";
    await expect(migrate({ databaseUrl, migrations: [], grants, logger })).rejects.toThrow(
      /accounts must be there/,
    );
  });
});
