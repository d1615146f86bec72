import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createConnection } from 'mariadb';
import { readEnvironment, readSecrets } from '../../env-file.js';
import { sharedDatabaseConfig } from '../../native/database-service.js';
import { sharedRedisConfig } from '../../native/redis-service.js';
import { openNativeStack } from '../../native/native-stack.js';
import type { NativeService, NativeStack } from '../../types.js';

const name = `settings-${process.pid}`;
const secret = () => readSecrets(readEnvironment());

const readLines = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const unquote = (text: string): string => text.replace(/^(['"])(.*)\1$/, '$2');

/** `256M` as the server reports it. */
const inBytes = (text: string): string =>
  text.replace(/^(\d+)M$/, (_, megabytes: string) => String(Number(megabytes) * 2 ** 20));

describe('native servers have the settings of the files that compose mounts', () => {
  let stack: NativeStack;
  let redis: NativeService;
  let database: NativeService;

  beforeAll(async () => {
    stack = await openNativeStack({ name });
    redis = await stack.service('redis');
    database = await stack.service('database');
    await Promise.all([redis.start(), database.start()]);
  });

  afterAll(() => stack.destroy());

  test('Redis: each line of redis.conf', async () => {
    const client = new Redis({ port: redis.port, password: secret().REDIS_PASSWORD });
    const written = readLines(sharedRedisConfig).map((line) => /^(\S+) (.*)$/.exec(line)!.slice(1));
    expect(written.length).toBeGreaterThan(5);
    for (const [setting, value] of written)
      expect(await client.config('GET', setting!)).toEqual([setting, unquote(value!)]);
    client.disconnect();
  });

  test('the database: each line of mysqld.cnf that it knows', async () => {
    const account = { user: 'coupon', password: secret().MYSQL_PASSWORD, allowPublicKeyRetrieval: true };
    const connection = await createConnection({ host: '127.0.0.1', port: database.port, ...account });
    const rows = await connection.query<{ Variable_name: string; Value: string }[]>('SHOW GLOBAL VARIABLES');
    await connection.end();
    const reported = new Map(rows.map((row) => [row.Variable_name, row.Value]));
    const isMariaDb = reported.get('version')!.includes('MariaDB');
    const [shared, mariaDb] = readFileSync(sharedDatabaseConfig, 'utf8').split('[mariadb]');
    expect(mariaDb).toBeDefined();
    const text = isMariaDb ? shared + mariaDb! : shared!;
    const written = [...text.matchAll(/^(loose-)?([a-z_]+) = (.*)$/gm)];
    expect(written.length).toBeGreaterThan(10);
    for (const [, loose, setting, value] of written) {
      const variable = setting!.replace(/^default_time_zone$/, 'time_zone');
      if (loose && !reported.has(variable)) continue;
      const expected = inBytes(unquote(value!));
      expect({ [variable]: reported.get(variable) }).toEqual({ [variable]: expected });
    }
  });
});
