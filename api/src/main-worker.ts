import { readWorkerConfig } from './config.js';
import { createPrismaClient } from './db/prisma-client.js';
import { startOperationsServer } from './http/operations-server.js';
import { Lifecycle } from './lifecycle.js';
import { createLogger } from './logger.js';
import { checkConfirmation, readConfirmOptions, UnsuitableServerError } from './redis/confirm-replicas.js';
import { connectRedis, waitUntilReady } from './redis/connection.js';
import { EXIT_CONFIG, runMain } from './run-main.js';
import { openTraces } from './traces/open-traces.js';
import { createWorker } from './worker.js';

const REDIS_PATIENCE_MS = 2_000;

/** Starts whether or not Redis and MySQL answer: it waits for them, and says so on /readyz. */
async function start(): Promise<void> {
  const config = readWorkerConfig();
  const logger = createLogger('worker', config.LOG_LEVEL);
  const lifecycle = new Lifecycle(logger, config.SHUTDOWN_DEADLINE_MS);
  lifecycle.listenForSignals();

  const traces = await openTraces(config, 'worker', logger);
  if (traces) lifecycle.onClose('traces', traces.close);
  const prisma = createPrismaClient(config);
  lifecycle.onClose('database', () => prisma.$disconnect());
  const redis = connectRedis(config, logger);
  lifecycle.onClose('redis', () => redis.disconnect());
  const blocking = connectRedis(config, logger, { blockMs: config.DRAIN_BLOCK_MS });
  lifecycle.onClose('blocking redis', () => blocking.disconnect());
  const worker = createWorker({ config, logger, prisma, redis, blocking, ...traces });

  const address = { host: config.HOST, port: config.WORKER_PORT };
  const server = await startOperationsServer(address, { ...worker, logger });
  lifecycle.onClose('operations server', () => {
    server.closeAllConnections();
    server.close();
  });
  await Promise.all([redis, blocking].map((client) => waitUntilReady(client, REDIS_PATIENCE_MS))).catch(
    (err: Error) => logger.warn({ reason: err.message }, 'starting without Redis'),
  );
  if (redis.status === 'ready') await checkConfirmation(redis, readConfirmOptions(config), logger);
  worker.start(lifecycle);
  logger.info({ worker: config.WORKER_NAME, port: config.WORKER_PORT }, 'worker started');
}

await runMain(start, [[UnsuitableServerError, EXIT_CONFIG]]);
