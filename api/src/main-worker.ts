import { ConfigError, readWorkerConfig, type WorkerConfig } from './config.js';
import { PrismaCampaignStore } from './db/campaign-store.js';
import { PrismaIssuedStore } from './db/issued-store.js';
import { createPrismaClient } from './db/prisma-client.js';
import { Lifecycle } from './lifecycle.js';
import { createLogger } from './logger.js';
import { connectRedis } from './redis/connection.js';
import { Drainer } from './worker/drainer.js';
import { EntryStreams } from './worker/entry-streams.js';
import { DRAIN_WITHIN_MS, GateKeeper, SETTLE_MS } from './worker/gate-keeper.js';
import { startOperationsServer } from './worker/operations-server.js';
import { RedisGateOpener } from './worker/redis-gate-opener.js';
import { createWorkerMetrics } from './worker/worker-metrics.js';

/** Starts whether or not Redis and MySQL answer: it waits for them, and says so on /readyz. */
async function main(config: WorkerConfig): Promise<void> {
  const logger = createLogger('worker', config.LOG_LEVEL);
  const lifecycle = new Lifecycle(logger, config.SHUTDOWN_DEADLINE_MS);
  lifecycle.listenForSignals();

  const prisma = createPrismaClient(config);
  lifecycle.onClose('database', () => prisma.$disconnect());
  const redis = connectRedis(config, logger);
  lifecycle.onClose('redis', () => redis.disconnect());
  const blocking = connectRedis(config, logger, { blockMs: config.DRAIN_BLOCK_MS });
  lifecycle.onClose('blocking redis', () => blocking.disconnect());

  const metrics = createWorkerMetrics(redis);
  const campaigns = new PrismaCampaignStore(prisma);
  const drainer = new Drainer(
    {
      streams: new EntryStreams(redis, blocking, config.WORKER_NAME),
      redis,
      store: new PrismaIssuedStore(prisma),
      logger,
      metrics,
    },
    {
      rowsMax: config.DRAIN_ROWS_MAX,
      blockMs: config.DRAIN_BLOCK_MS,
      claimIdleMs: config.CLAIM_IDLE_MS,
      maxDeliveries: config.MAX_DELIVERIES,
    },
  );
  const keeper = new GateKeeper(
    {
      campaigns,
      gates: new RedisGateOpener(redis),
      settleMs: SETTLE_MS,
      drainWithinMs: DRAIN_WITHIN_MS,
      untilNothingInHand: () => drainer.untilNothingInHand(),
      logger,
      metrics,
    },
    config.GATE_CHECK_MS,
  );

  const isReady = () => redis.status === 'ready' && drainer.isHealthy && keeper.isHealthy;
  const server = await startOperationsServer(
    { host: config.HOST, port: config.WORKER_PORT },
    metrics.registry,
    isReady,
  );
  lifecycle.onClose('operations server', () => {
    server.closeAllConnections();
    server.close();
  });
  drainer.start();
  lifecycle.onClose('drainer', () => drainer.stop());
  keeper.start();
  lifecycle.onClose('gate keeper', () => keeper.stop());
  logger.info({ worker: config.WORKER_NAME, port: config.WORKER_PORT }, 'worker started');
}

try {
  await main(readWorkerConfig());
} catch (err) {
  process.stderr.write(`${err instanceof ConfigError ? err.message : String((err as Error).stack)}\n`);
  process.exit(1);
}
