import type { Tracer } from '@opentelemetry/api';
import type { Registry } from 'prom-client';
import type { WorkerConfig } from './config.js';
import { PrismaCampaignStore } from './db/campaign-store.js';
import { PrismaDeadLetterStore } from './db/dead-letter-store.js';
import { PrismaIssuedStore } from './db/issued-store.js';
import { PrismaLeaseStore } from './db/lease-store.js';
import type { PrismaClient } from './db/prisma-client.js';
import type { Lifecycle } from './lifecycle.js';
import type { Logger } from './logger.js';
import { readConfirmOptions } from './redis/confirm-replicas.js';
import type { Redis } from './redis/connection.js';
import { EntryStreams } from './redis/entry-streams.js';
import { RedisGateOpener } from './redis/redis-gate-opener.js';
import { createTraceDrain, traceStore } from './traces/drain-traces.js';
import { Archiver, chooseArchiveInterval } from './worker/archiver.js';
import { Drainer } from './worker/drainer.js';
import { GateKeeper } from './worker/gate-keeper.js';
import { LeaseHolder } from './worker/lease-holder.js';
import { Reconciler } from './worker/reconciler.js';
import { repeat, type Repetition } from './worker/repeat.js';
import { createWorkerMetrics } from './worker/worker-metrics.js';

interface WorkerDeps {
  config: WorkerConfig;
  logger: Logger;
  prisma: PrismaClient;
  redis: Redis;
  /** For the blocking read alone. */
  blocking: Redis;
  tracer?: Tracer;
}

export interface Worker {
  registry: Registry;
  /** Redis answers, and what the worker does succeeds. */
  isReady: () => boolean;
  /** Each part is stopped before those that it needs. */
  start: (lifecycle: Pick<Lifecycle, 'onClose'>) => void;
}

/** Puts one worker together. Opens no port and no connection. */
export function createWorker({ config, logger, prisma, redis, blocking, tracer }: WorkerDeps): Worker {
  const campaigns = new PrismaCampaignStore(prisma);
  const issued = new PrismaIssuedStore(prisma);
  const letters = new PrismaDeadLetterStore(prisma);
  const leases = new PrismaLeaseStore(prisma);
  const gates = new RedisGateOpener(redis);
  const metrics = createWorkerMetrics(redis, letters);

  const holder: LeaseHolder = new LeaseHolder(
    { leases, waitUntilWritten: () => drainer.waitUntilWritten(), logger },
    config.WORKER_NAME,
  );
  const drainer = new Drainer(
    {
      streams: new EntryStreams(redis, blocking, config.WORKER_NAME, readConfirmOptions(config)),
      store: tracer ? traceStore(tracer, issued) : issued,
      letters,
      currentLease: () => holder.current,
      pingDatabase: () => prisma.$queryRaw`SELECT 1`,
      ...(tracer && { traceDrain: createTraceDrain(tracer) }),
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
  const keeper = new GateKeeper({ campaigns, gates, leases, logger, metrics });
  const reconciler = new Reconciler({ gates, campaigns, issued, registry: metrics.registry, logger });
  const archiver = new Archiver(
    { campaigns, issued, letters, gates, logger, metrics },
    config.ARCHIVE_AFTER_MS,
  );

  let keeping: Repetition | undefined;
  return {
    registry: metrics.registry,
    isReady: () => redis.status === 'ready' && drainer.isHealthy && keeping?.isFailing === false,
    start: (lifecycle) => {
      const run = (name: string, everyMs: number, work: (signal: AbortSignal) => Promise<unknown>) => {
        const repetition = repeat(work, { name, everyMs, logger });
        lifecycle.onClose(name, () => repetition.stop());
        return repetition;
      };
      holder.start();
      lifecycle.onClose('lease', () => holder.stop());
      drainer.start();
      lifecycle.onClose('drainer', () => drainer.stop());
      keeping = run('gate keeper', config.GATE_CHECK_MS, (signal) => keeper.check(signal));
      const archiveEveryMs = chooseArchiveInterval(config.ARCHIVE_AFTER_MS);
      run('archiver', archiveEveryMs, (signal) => archiver.archiveAll(signal));
      run('reconciler', config.RECONCILE_MS, () => reconciler.check());
    },
  };
}
