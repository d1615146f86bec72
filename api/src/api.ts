import type { Server } from 'node:http';
import type { Tracer } from '@opentelemetry/api';
import type { Express } from 'express';
import type { ApiConfig } from './config.js';
import { createAdmitCampaign } from './coupon/admit-campaign.js';
import { ArchiveReader } from './coupon/archive-reader.js';
import { checkGates } from './coupon/check-gate.js';
import { createChangeCampaign, createCloseCampaign } from './coupon/change-campaign.js';
import { CouponDirectory } from './coupon/coupon-directory.js';
import { createCreateCampaign } from './coupon/create-campaign.js';
import { IssueBatcher } from './coupon/issue-batcher.js';
import { createIssueCoupon } from './coupon/issue-coupon.js';
import { createListUserCoupons } from './coupon/list-user-coupons.js';
import { openFreshGate } from './coupon/open-gate.js';
import { createReadCampaigns } from './coupon/read-campaigns.js';
import { createReadCoupon } from './coupon/read-coupon.js';
import { REHEARSED_COUPON, RehearsalGate } from './coupon/rehearsal-gate.js';
import { createSyncGate } from './coupon/sync-gate.js';
import { requireAnswerWithin } from './coupon/unavailable.js';
import { UndrainedReader } from './coupon/undrained-reader.js';
import { PrismaCampaignStore } from './db/campaign-store.js';
import { PrismaIssuedStore } from './db/issued-store.js';
import type { PrismaClient } from './db/prisma-client.js';
import { createAdmitCall } from './http/admit-call.js';
import { createApp } from './http/app.js';
import { LoadShedder, type LoadShedderOptions } from './http/load-shedder.js';
import { createApiMetrics } from './http/metrics.js';
import { createOpenApiDocument } from './http/openapi.js';
import { adminRoutes } from './http/routes/admin-routes.js';
import { couponRoutes } from './http/routes/coupon-routes.js';
import { docsRoutes } from './http/routes/docs-routes.js';
import { issueRoute } from './http/routes/issue-route.js';
import { operationsRoutes } from './http/routes/operations-routes.js';
import { userRoutes } from './http/routes/user-routes.js';
import { warmUp } from './http/warm-up.js';
import type { Logger } from './logger.js';
import { readConfirmOptions } from './redis/confirm-replicas.js';
import type { Redis } from './redis/connection.js';
import { RedisGate, type CheckGate, type GateOptions } from './redis/redis-gate.js';
import { toPartition } from './redis/keys.js';
import { createReadMemory } from './redis/read-memory.js';
import { readLag } from './redis/lag.js';
import { RedisGateOpener } from './redis/redis-gate-opener.js';
import { CallTraces } from './traces/call-traces.js';

/** How long an answer about a coupon is believed, and about how many of them. */
const REMEMBER_MS = 1_000;
const REMEMBER_MAX = 10_000;
const QUERY_MAX = 1_000;
/** A client waits for an answer that needs MySQL: not longer than this. */
const ANSWER_LIMIT_MS = 1_000;
/** A call that waited longer is one of a queue. */
const QUEUE_TARGET_MS = 300;

interface ApiDeps {
  config: ApiConfig;
  logger: Logger;
  prisma: PrismaClient;
  redis: Redis;
  /** Resets the connections that the replica has not taken yet. */
  refuseWaiting: () => Promise<void>;
  tracer?: Tracer;
}

interface Api {
  app: Express;
  /** Attempts whose outcome is not known yet. */
  pending: () => number;
  /** Before the replica listens, for WARM_UP_MS at most: has it rehearse its hot path. Nothing of it is seen afterwards. */
  warmUp: (server: Server, signal: AbortSignal) => Promise<void>;
  /** `/readyz` fails from now on. */
  beginClosing: () => void;
}

/** Puts one replica together. Opens no port and no connection. */
export function createApi({ config, logger, prisma, redis, refuseWaiting, tracer }: ApiDeps): Api {
  const campaigns = new PrismaCampaignStore(prisma);
  const issued = new PrismaIssuedStore(prisma);
  const gates = new RedisGateOpener(redis);
  const checkGate: CheckGate = async (couponId, seen) => {
    const checking = checkGates({ campaigns, gates, onStale }, [couponId], () => seen);
    return (
      (await requireAnswerWithin(ANSWER_LIMIT_MS, 'database', checking)).get(couponId)?.kind === 'checked'
    );
  };
  const gate = new RedisGate(redis, toGateOptions(config), logger, checkGate);
  const directory = new CouponDirectory(
    (couponIds) => requireAnswerWithin(ANSWER_LIMIT_MS, 'database', campaigns.findExisting(couponIds)),
    { rememberMs: REMEMBER_MS, rememberMax: REMEMBER_MAX, queryMax: QUERY_MAX },
  );

  const metrics = createApiMetrics(() => batcher.pending);
  const traces = tracer && new CallTraces(tracer, config.OTEL_TRACES_SAMPLER_ARG);
  const rehearsal = new RehearsalGate(traces?.follow(gate) ?? gate);
  const batcher: IssueBatcher = new IssueBatcher(rehearsal, {
    batchMax: config.ISSUE_BATCH_MAX,
    lingerMs: config.ISSUE_LINGER_MS,
    onBatch: metrics.onBatch,
    onAbandoned: metrics.onAbandoned,
  });

  const onStale = (couponId: number, fence: object) => {
    metrics.staleGates.inc();
    logger.error(
      { couponId, mysql: fence },
      'Redis has an old copy of a gate: shut, a worker opens it from MySQL',
    );
  };
  const onFault = (err: unknown, couponId?: number) =>
    logger.warn({ err, couponId }, 'redis could not be asked or told about a campaign');
  const syncGate = createSyncGate({
    gate,
    // A gate that was lost has to wait for the drain: that is the worker's business.
    openGate: (couponId) => openFreshGate({ campaigns, gates }, couponId),
    onFault,
  });

  const admitCampaign = createAdmitCampaign({
    campaigns,
    readMemory: createReadMemory(redis),
    backlogMaxCoupons: config.BACKLOG_MAX_COUPONS,
    onFault,
  });

  const limits = { rememberMs: REMEMBER_MS, rememberMax: REMEMBER_MAX, limitMs: ANSWER_LIMIT_MS };
  let closing = false;
  // Replaced after the rehearsal: its calls say nothing of nginx's clock and of queues.
  let shedder = new LoadShedder(toShedderOptions(config));
  const app = createApp({
    logger,
    issueRoute: issueRoute({
      issueCoupon: createIssueCoupon({ batcher, directory, archive: new ArchiveReader(issued) }),
      admitCall: createAdmitCall({
        shedder: () => shedder,
        pending: () => batcher.pending,
        onWait: metrics.onWait,
        refuseWaiting: () => {
          refuseWaiting().catch((err: unknown) =>
            logger.error({ err }, 'the replica does not listen any more'),
          );
        },
      }),
      onAnswer: metrics.onAnswer,
      ...(traces && {
        onCall: (...call) => {
          if (!rehearsal.isRehearsing) traces.begin(...call);
        },
      }),
      logger,
    }),
    routes: [
      operationsRoutes({
        isReady: async () => !closing && (await isAnswering(redis)),
        registry: metrics.registry,
      }),
      docsRoutes(createOpenApiDocument()),
      userRoutes(
        createListUserCoupons({ undrained: new UndrainedReader(gate), issued, limitMs: ANSWER_LIMIT_MS }),
      ),
      couponRoutes(createReadCoupon({ directory, campaigns, gate, issued, ...limits })),
      adminRoutes({
        adminToken: config.ADMIN_TOKEN,
        createCampaign: createCreateCampaign(campaigns, admitCampaign, syncGate),
        changeCampaign: createChangeCampaign(campaigns, admitCampaign, syncGate),
        closeCampaign: createCloseCampaign(campaigns, syncGate),
        readCampaigns: createReadCampaigns({
          campaigns,
          gate,
          issued,
          readLag: (couponId) => readLag(redis, [toPartition(couponId)]),
          onFault,
        }),
      }),
    ],
  });
  return {
    app,
    pending: () => batcher.pending,
    warmUp: async (server, signal) => {
      if (config.WARM_UP_MS === 0) return;
      // The first query opens a connection, which is a socket of another kind than a client's. Of another coupon: what is known
      // to be unknown would be answered without the gate.
      await directory.lookUp(REHEARSED_COUPON - 1);
      await rehearsal.rehearse(() => warmUp(server, REHEARSED_COUPON, config.WARM_UP_MS, signal));
      metrics.reset();
      shedder = new LoadShedder(toShedderOptions(config));
    },
    beginClosing: () => (closing = true),
  };
}

const toShedderOptions = (config: ApiConfig): LoadShedderOptions => ({
  targetMs: QUEUE_TARGET_MS,
  rushMax: config.ISSUE_RUSH_MAX,
  queueMaxMs: config.ISSUE_QUEUE_MAX_MS,
  pendingMax: config.ISSUE_PENDING_MAX,
});

const toGateOptions = (config: ApiConfig): GateOptions => ({
  backlogMaxCoupons: config.BACKLOG_MAX_COUPONS,
  ...readConfirmOptions(config),
});

const isAnswering = (redis: Redis): Promise<boolean> =>
  redis.status === 'ready'
    ? redis.ping().then(
        () => true,
        () => false,
      )
    : Promise.resolve(false);
