import { ConfigError, readWorkerConfig, type WorkerConfig } from './config.js';
import { PrismaCampaignStore } from './db/campaign-store.js';
import { PrismaDeadLetterStore } from './db/dead-letter-store.js';
import { PrismaIssuedStore } from './db/issued-store.js';
import { PrismaLeaseStore } from './db/lease-store.js';
import { createPrismaClient } from './db/prisma-client.js';
import { Lifecycle } from './lifecycle.js';
import { createLogger } from './logger.js';
import { checkConfirmation, confirmOptions, UnsuitableServerError } from './redis/confirm-replicas.js';
import { connectRedis, untilReady } from './redis/connection.js';
import { Archiver } from './worker/archiver.js';
import { Drainer } from './worker/drainer.js';
import { EntryStreams } from './worker/entry-streams.js';
import { DRAIN_WITHIN_MS, GateKeeper, REVOKE_AFTER_MS } from './worker/gate-keeper.js';
import { LEASE_MS, LeaseHolder } from './worker/lease-holder.js';
import { startOperationsServer } from './worker/operations-server.js';
import { Reconciler } from './worker/reconciler.js';
import { RedisGateOpener } from './worker/redis-gate-opener.js';
import { createWorkerMetrics } from './worker/worker-metrics.js';

/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;
const REDIS_PATIENCE_MS = 2_000;

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

  const letters = new PrismaDeadLetterStore(prisma);
  const leases = new PrismaLeaseStore(prisma, LEASE_MS);
  const metrics = createWorkerMetrics(redis, letters);
  const campaigns = new PrismaCampaignStore(prisma);
  const gates = new RedisGateOpener(redis);
  const holder: LeaseHolder = new LeaseHolder(
    { leases, untilNothingHeld: () => drainer.untilNothingHeld(), logger },
    config.WORKER_NAME,
  );
  const drainer = new Drainer(
    {
      streams: new EntryStreams(redis, blocking, config.WORKER_NAME, confirmOptions(config)),
      store: new PrismaIssuedStore(prisma),
      letters,
      currentLease: () => holder.current,
      pingDatabase: () => prisma.$queryRaw`SELECT 1`,
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
      gates,
      leases,
      drainWithinMs: DRAIN_WITHIN_MS,
      revokeAfterMs: REVOKE_AFTER_MS,
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
  await Promise.all([redis, blocking].map((client) => untilReady(client, REDIS_PATIENCE_MS))).catch(
    (err: Error) => logger.warn({ reason: err.message }, 'starting without Redis'),
  );
  if (redis.status === 'ready') await checkConfirmation(redis, confirmOptions(config), logger);
  holder.start();
  // After the drainer, which is registered later, has written what it holds.
  lifecycle.onClose('lease', () => holder.stop());
  drainer.start();
  lifecycle.onClose('drainer', () => drainer.stop());
  keeper.start();
  lifecycle.onClose('gate keeper', () => keeper.stop());
  const reconciler = new Reconciler(
    { redis, campaigns, issued: new PrismaIssuedStore(prisma), registry: metrics.registry, logger },
    config.RECONCILE_MS,
  );
  const archiver = new Archiver(
    { campaigns, issued: new PrismaIssuedStore(prisma), letters, gates, logger, metrics },
    config.ARCHIVE_AFTER_MS,
  );
  archiver.start();
  lifecycle.onClose('archiver', () => archiver.stop());
  reconciler.start();
  lifecycle.onClose('reconciler', () => reconciler.stop());
  logger.info({ worker: config.WORKER_NAME, port: config.WORKER_PORT }, 'worker started');
}

try {
  await main(readWorkerConfig());
} catch (err) {
  if (!(err instanceof ConfigError || err instanceof UnsuitableServerError)) throw err;
  process.stderr.write(`${err.message}\n`);
  process.exit(EXIT_CONFIG);
}
