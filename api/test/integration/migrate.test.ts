import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createConnection, type Connection } from 'mariadb';
import { pino } from 'pino';
import { migrate } from '../../src/db/migrate.js';
import { findMigrationsFolder, readMigrations, type Migration } from '../../src/db/migrations.js';
import { parseDatabaseUrl } from '../../src/db/prisma-client.js';
import { startDatabase, type TestDatabase } from '../support/servers.js';

const logger = pino({ level: 'silent' });
let database: TestDatabase;
let migrations: Migration[];
let databaseUrl: string;
let sql: Connection;

const connectTo = (url: string) => createConnection(parseDatabaseUrl(url));

beforeAll(async () => {
  database = await startDatabase();
  migrations = await readMigrations(findMigrationsFolder());
  databaseUrl = await database.createDatabase();
  sql = await connectTo(databaseUrl);
});

afterAll(async () => {
  await sql?.end();
  await database?.remove();
});

describe('migrate', () => {
  test('the first run applies everything and the second one nothing', async () => {
    const names = migrations.map(({ name }) => name);
    expect(await migrate({ databaseUrl, migrations, logger })).toEqual(names);
    expect(await migrate({ databaseUrl, migrations, logger })).toEqual([]);
  });

  test('each migration is recorded as Prisma records it', async () => {
    const rows = await sql.query('SELECT * FROM _prisma_migrations ORDER BY migration_name');
    expect(rows).toHaveLength(migrations.length);
    for (const [i, row] of rows.entries()) {
      expect(row.id).toMatch(/^[0-9a-f-]{36}$/);
      expect(row.checksum).toBe(migrations[i]!.checksum);
      expect(row.finished_at).toBeInstanceOf(Date);
      expect(row).toMatchObject({ applied_steps_count: 1, logs: null, rolled_back_at: null });
    }
  });

  test('coupon 1 is there, open and without an end', async () => {
    const [coupon] = await sql.query('SELECT * FROM coupons WHERE id = 1');
    expect(coupon).toMatchObject({ name: 'Welcome coupon', total: 10_000, closes_at: null, closed_at: null });
  });

  test('when several run at once, each migration is applied once', async () => {
    const url = await database.createDatabase();
    const runs = Array.from({ length: 5 }, () => migrate({ databaseUrl: url, migrations, logger }));
    const applied = (await Promise.all(runs)).flat();
    expect(applied).toEqual(migrations.map(({ name }) => name));
  });

  test('a migration that was changed after it was applied is refused by name', async () => {
    const changed = migrations.map((m, i) => (i === 0 ? { ...m, checksum: '0'.repeat(64) } : m));
    await expect(migrate({ databaseUrl, migrations: changed, logger })).rejects.toThrow(
      `${migrations[0]!.name} was changed`,
    );
  });

  test('a migration that failed half-way blocks until it is marked as rolled back', async () => {
    const url = await database.createDatabase();
    const broken = { name: '0001_broken', sql: 'CREATE TABLE a (x INT); NONSENSE', checksum: 'a'.repeat(64) };
    await expect(migrate({ databaseUrl: url, migrations: [broken], logger })).rejects.toThrow(
      '0001_broken failed',
    );
    await expect(migrate({ databaseUrl: url, migrations: [broken], logger })).rejects.toThrow(
      'rolled_back_at',
    );

    const other = await connectTo(url);
    await other.query('DROP TABLE a');
    await other.query('UPDATE _prisma_migrations SET rolled_back_at = NOW(3)');
    await other.end();
    const repaired = { ...broken, sql: 'CREATE TABLE a (x INT)', checksum: 'b'.repeat(64) };
    expect(await migrate({ databaseUrl: url, migrations: [repaired], logger })).toEqual(['0001_broken']);
  });

  test('semicolons in quotes and comments end no statement, and a file may end with a comment', async () => {
    const url = await database.createDatabase();
    const text = [
      '-- first; not two',
      'CREATE TABLE a (x VARCHAR(20), y VARCHAR(20)); # more;',
      `/* a; b */ INSERT INTO a VALUES ('x;''y\\';z', "p;""q");`,
      '-- the end;',
    ];
    const quoting = { name: '0001_quoting', sql: text.join('\n'), checksum: 'a'.repeat(64) };
    expect(await migrate({ databaseUrl: url, migrations: [quoting], logger })).toEqual(['0001_quoting']);
    const other = await connectTo(url);
    expect(await other.query('SELECT x, y FROM a')).toEqual([{ x: `x;'y';z`, y: 'p;"q' }]);
    await other.end();
  });

  test('a statement that fails after others is the migration that failed, and what comes after it is not run', async () => {
    const url = await database.createDatabase();
    const sql = 'CREATE TABLE a (x INT); INSERT INTO nowhere VALUES (1); CREATE TABLE b (x INT);';
    const broken = { name: '0001_broken', sql, checksum: 'a'.repeat(64) };
    await expect(migrate({ databaseUrl: url, migrations: [broken], logger })).rejects.toThrow(/nowhere/);
    const other = await connectTo(url);
    expect(await other.query("SHOW TABLES LIKE '_'")).toHaveLength(1);
    await other.end();
  });

  test('a database that does not answer is an error within the bound', async () => {
    const nowhere = 'mysql://nobody@127.0.0.1:1/none';
    await expect(migrate({ databaseUrl: nowhere, migrations, logger, connectWithinMs: 100 })).rejects.toThrow(
      'check DATABASE_URL',
    );
  });
});

describe('constraints', () => {
  const insert = (userId: string, rank: number, couponId = 1) =>
    sql.query("INSERT INTO issued_coupons VALUES (?, ?, ?, '2025-01-01 00:00:00.123', 'k')", [
      couponId,
      userId,
      rank,
    ]);

  test("'a' and 'A' are two users", async () => {
    await insert('a', 1);
    await insert('A', 2);
    const rows = await sql.query("SELECT issue_rank, issued_at FROM issued_coupons WHERE user_id = 'A'");
    expect(rows).toHaveLength(1);
    expect(rows[0].issue_rank).toBe(2);
    expect(rows[0].issued_at.getMilliseconds()).toBe(123);
  });

  test.each([
    ['the same user twice', () => insert('a', 3)],
    ['the same rank twice', () => insert('b', 1)],
    ['rank 0', () => insert('b', 0)],
    ['an empty user id', () => insert('', 4)],
    ['a user id of 65 characters', () => insert('u'.repeat(65), 5)],
    ['a coupon that does not exist', () => insert('b', 6, 99)],
    ['a stock of 0', () => sql.query("INSERT INTO coupons (name, total, opens_at) VALUES ('x', 0, NOW())")],
    [
      'an end before the beginning',
      () =>
        sql.query(
          "INSERT INTO coupons (name, total, opens_at, closes_at) VALUES ('x', 1, '2025-01-02', '2025-01-01')",
        ),
    ],
  ])('%s is refused', async (_what, write) => {
    await expect(write()).rejects.toMatchObject({ errno: expect.any(Number) });
  });
});
