import type { Server } from 'node:http';
import { createApi } from '../../src/api.js';
import { readApiConfig } from '../../src/config.js';
import { migrate } from '../../src/db/migrate.js';
import { findMigrationsFolder, readMigrations } from '../../src/db/migrations.js';
import { createPrismaClient, type PrismaClient } from '../../src/db/prisma-client.js';
import { Listener } from '../../src/http/listener.js';
import { closeServer, createHttpServer } from '../../src/http/server.js';
import { createLogger } from '../../src/logger.js';
import { closeRedis, connectRedis, waitUntilReady, type Redis } from '../../src/redis/connection.js';
import { startDatabase, startRedis, type TestDatabase, type TestRedis } from './servers.js';

export const ADMIN_TOKEN = 'test-admin-token-0123456789';

/** A Redis and a database with the project's migrations, for one test file. */
export interface Backends {
  redis: TestRedis;
  database: TestDatabase;
  /** What config.ts reads. */
  env: Record<string, string>;
  remove(): Promise<void>;
}

export async function startBackends(): Promise<Backends> {
  const [redis, database] = await Promise.all([startRedis(), startDatabase()]);
  const databaseUrl = await database.createDatabase();
  const logger = createLogger('test', 'silent');
  await migrate({ databaseUrl, migrations: await readMigrations(findMigrationsFolder()), logger });
  return {
    redis,
    database,
    env: { ...redis.env, DATABASE_URL: databaseUrl, ADMIN_TOKEN, LOG_LEVEL: 'silent' },
    remove: async () => {
      await Promise.all([redis.remove(), database.remove()]);
    },
  };
}

/** One replica in this process, with clients and a port of its own. */
export interface Replica {
  url: string;
  port: number;
  redis: Redis;
  prisma: PrismaClient;
  server: Server;
  close(): Promise<void>;
}

export async function startReplica(env: Record<string, string>): Promise<Replica> {
  const config = readApiConfig(env);
  const logger = createLogger('test', config.LOG_LEVEL);
  const prisma = createPrismaClient(config);
  const redis = connectRedis(config, logger);
  const api = createApi({ config, logger, prisma, redis, refuseWaiting: () => listener.refuseWaiting() });
  await waitUntilReady(redis, 10_000);
  const server = createHttpServer(api.app);
  const listener = new Listener(server, { host: '127.0.0.1', port: 0, backlog: 4_096 });
  await listener.start();
  const { port } = listener;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    redis,
    prisma,
    server,
    close: async () => {
      await closeServer(server, listener, 2_000);
      await closeRedis(redis);
      await prisma.$disconnect();
    },
  };
}
