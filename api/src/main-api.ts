import { setTimeout as sleep } from 'node:timers/promises';
import { createApi } from './api.js';
import { readApiConfig } from './config.js';
import { Listener } from './http/listener.js';
import { beginDraining, closeServer, createHttpServer } from './http/server.js';
import { Lifecycle } from './lifecycle.js';
import { createLogger, type Logger } from './logger.js';
import { createPrismaClient } from './db/prisma-client.js';
import { checkConfirmation, readConfirmOptions, UnsuitableServerError } from './redis/confirm-replicas.js';
import { closeRedis, connectRedis, waitUntilReady, type Redis } from './redis/connection.js';
import { EXIT_CONFIG, runMain } from './run-main.js';
import { openTraces } from './traces/open-traces.js';

const REDIS_PATIENCE_MS = 5_000;
/** From the last answer expected to the last connection cut, in ms. */
const CLOSE_WITHIN_MS = 5_000;

/** A replica that cannot decide does not listen: nginx then uses the others. It goes on trying, and says so. */
async function waitForRedis(redis: Redis, logger: Logger): Promise<void> {
  for (;;) {
    try {
      return await waitUntilReady(redis, REDIS_PATIENCE_MS);
    } catch (err) {
      logger.warn({ reason: (err as Error).message }, 'not listening yet');
    }
  }
}

async function start(): Promise<void> {
  const config = readApiConfig();
  const logger = createLogger('api', config.LOG_LEVEL);
  const lifecycle = new Lifecycle(logger, config.SHUTDOWN_DEADLINE_MS);
  lifecycle.listenForSignals();

  const traces = await openTraces(config, 'api', logger);
  if (traces) lifecycle.onClose('traces', traces.close);
  const prisma = createPrismaClient(config);
  lifecycle.onClose('database', () => prisma.$disconnect());
  const redis = connectRedis(config, logger);
  lifecycle.onClose('redis', () => closeRedis(redis));
  const api = createApi({
    config,
    logger,
    prisma,
    redis,
    refuseWaiting: () => listener.refuseWaiting(),
    ...traces,
  });
  const server = createHttpServer(api.app);
  const listener = new Listener(server, {
    host: config.HOST,
    port: config.PORT,
    backlog: config.LISTEN_BACKLOG,
  });
  lifecycle.onClose('attempts', () => waitUntilDecided(api.pending));
  await waitForRedis(redis, logger);
  await checkConfirmation(redis, readConfirmOptions(config), logger);

  const warming = new AbortController();
  lifecycle.onClose('warm-up', () => warming.abort());
  await api.warmUp(server, warming.signal).catch((err: unknown) => {
    if (!warming.signal.aborted) logger.warn({ err }, 'not warmed up');
  });
  if (warming.signal.aborted) return;

  await listener.start();
  lifecycle.onClose('server', () => closeServer(server, listener, CLOSE_WITHIN_MS));
  // Runs first: nginx must notice before anything is refused.
  lifecycle.onClose('readiness', async () => {
    api.beginClosing();
    beginDraining(server);
    await sleep(config.SHUTDOWN_GRACE_MS);
  });
  logger.info({ host: config.HOST, port: config.PORT }, 'listening');
}

/** Every attempt ends with an outcome within the command limit of Redis. */
async function waitUntilDecided(pending: () => number): Promise<void> {
  while (pending() > 0) await sleep(5);
}

await runMain(start, [[UnsuitableServerError, EXIT_CONFIG]]);
