import { pino } from 'pino';
import { readWorkerConfig, type WorkerConfig } from '../../src/config.js';
import { openGates, type OpenGateDeps } from '../../src/coupon/open-gate.js';
import type { IssuedStore } from '../../src/coupon/ports.js';
import type { CouponId, DeadLetter, Lease } from '../../src/coupon/types.js';
import { PrismaCampaignStore } from '../../src/db/campaign-store.js';
import { PrismaDeadLetterStore } from '../../src/db/dead-letter-store.js';
import { PrismaIssuedStore } from '../../src/db/issued-store.js';
import { PrismaLeaseStore } from '../../src/db/lease-store.js';
import { migrate } from '../../src/db/migrate.js';
import { findMigrationsFolder, readMigrations } from '../../src/db/migrations.js';
import { createPrismaClient } from '../../src/db/prisma-client.js';
import { connectRedis, waitUntilReady, type Redis } from '../../src/redis/connection.js';
import { CONSUMER_GROUP, toPartition, streamKey } from '../../src/redis/keys.js';
import { Drainer, type DrainerOptions } from '../../src/worker/drainer.js';
import { EntryStreams } from '../../src/redis/entry-streams.js';
import { GateKeeper } from '../../src/worker/gate-keeper.js';
import { readLag } from '../../src/redis/lag.js';
import { LeaseHolder } from '../../src/worker/lease-holder.js';
import { repeat, type Repetition } from '../../src/worker/repeat.js';
import { RedisGateOpener } from '../../src/redis/redis-gate-opener.js';
import { createWorkerMetrics } from '../../src/worker/worker-metrics.js';
import { startDatabase, startRedis, until, type TestDatabase, type TestRedis } from './servers.js';

const BLOCK_MS = 50;
/** Short, so that a test need not wait long for a lease to run out. */
export const LEASE_MS = 1_000;
const logger = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });

/** A real Redis and a real database with everything a worker needs, and what a test does with them. */
export class WorkerEnvironment {
  readonly campaigns: PrismaCampaignStore;
  readonly issued: PrismaIssuedStore;
  readonly letters: PrismaDeadLetterStore;
  readonly leases: PrismaLeaseStore;
  readonly #closers: (() => unknown)[] = [];

  private constructor(
    readonly redisServer: TestRedis,
    readonly database: TestDatabase,
    readonly config: WorkerConfig,
    readonly redis: Redis,
    readonly prisma: ReturnType<typeof createPrismaClient>,
  ) {
    this.campaigns = new PrismaCampaignStore(prisma);
    this.issued = new PrismaIssuedStore(prisma);
    this.letters = new PrismaDeadLetterStore(prisma);
    this.leases = new PrismaLeaseStore(prisma, LEASE_MS);
  }

  static async create(): Promise<WorkerEnvironment> {
    const [redisServer, database] = await Promise.all([startRedis(), startDatabase()]);
    const databaseUrl = await database.createDatabase();
    await migrate({ databaseUrl, migrations: await readMigrations(findMigrationsFolder()), logger });
    const config = readWorkerConfig({ ...redisServer.env, DATABASE_URL: databaseUrl });
    const redis = connectRedis(config, logger);
    await waitUntilReady(redis, 5_000);
    return new WorkerEnvironment(redisServer, database, config, redis, createPrismaClient(config));
  }

  /** Ends what one test started and empties both servers, but for coupon 1. */
  async reset(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close();
    await this.redis.flushall();
    await this.prisma.issuedCoupon.deleteMany();
    await this.prisma.coupon.deleteMany({ where: { id: { not: 1n } } });
    const fresh = {
      gateOpenedAt: null,
      closedAt: null,
      archivedAt: null,
      gateGeneration: 0,
      revision: 0,
      total: 10_000,
    };
    await this.prisma.coupon.updateMany({ data: fresh });
    await this.prisma.deadLetter.deleteMany();
    await this.prisma.workerLease.deleteMany();
  }

  async remove(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close();
    this.redis.disconnect();
    await this.prisma.$disconnect();
    await Promise.all([this.redisServer.remove(), this.database.remove()]);
  }

  async createStreams(consumer: string): Promise<EntryStreams> {
    const blocking = connectRedis(this.config, logger, { blockMs: BLOCK_MS });
    this.#closers.push(() => blocking.disconnect());
    await waitUntilReady(blocking, 5_000);
    return new EntryStreams(this.redis, blocking, consumer);
  }

  /** A drainer that runs until the test ends or stops it. */
  async startDrainer(
    name = 'worker-1',
    options: Partial<DrainerOptions> = {},
    store: Pick<IssuedStore, 'persist'> = this.issued,
  ) {
    const { letters, leases } = this;
    const metrics = createWorkerMetrics(this.redis, letters);
    const holder: LeaseHolder = new LeaseHolder(
      { leases, waitUntilWritten: () => drainer.waitUntilWritten(), logger },
      name,
    );
    const streams = await this.createStreams(name);
    const drainer = new Drainer(
      { streams, store, letters, currentLease: () => holder.current, logger, metrics },
      { rowsMax: 500, blockMs: BLOCK_MS, claimIdleMs: 60_000, maxDeliveries: 3, ...options },
    );
    holder.start();
    this.#closers.push(() => holder.stop());
    drainer.start();
    this.#closers.push(() => drainer.stop());
    return { drainer, holder, metrics };
  }

  /** Of a worker that a test plays itself. */
  lease(worker = 'by-hand'): Promise<Lease> {
    return this.leases.acquire(worker);
  }

  keeper(
    extra: Partial<Pick<OpenGateDeps, 'drainWithinMs' | 'revokeAfterMs'>> = {},
    metrics = createWorkerMetrics(this.redis, this.letters),
  ): GateKeeper {
    const gates = new RedisGateOpener(this.redis);
    const { campaigns, leases } = this;
    const waits = { drainWithinMs: 3_000, revokeAfterMs: 100, ...extra };
    return new GateKeeper({ ...waits, campaigns, leases, gates, logger, metrics });
  }

  /** A gate keeper that checks until the test ends or stops it. */
  startKeeper(): Repetition {
    const keeper = this.keeper();
    const keeping = repeat((signal) => keeper.check(signal), { name: 'gate keeper', everyMs: 20, logger });
    this.#closers.push(() => keeping.stop());
    return keeping;
  }

  openGates(couponIds: CouponId[], extra: Partial<OpenGateDeps> = {}) {
    const gates = new RedisGateOpener(this.redis);
    const { campaigns, leases } = this;
    const waits = { drainWithinMs: 3_000, revokeAfterMs: 100, ...extra };
    return openGates({ campaigns, leases, gates, ...waits }, couponIds);
  }

  createCoupon(total = 1_000) {
    return this.campaigns.create({ name: 'test', total, opensAt: new Date(0), closesAt: null });
  }

  /** An entry as issueCoupons.lua writes it. Returns its id. */
  async addEntry(couponId: CouponId, firstRank: number, users: string[]): Promise<string> {
    const fields = ['c', couponId, 't', Date.now(), 'r', firstRank];
    const lines = users.map((userId) => `${userId}\tkey-of-${userId.slice(0, 8)}`);
    return this.addRaw(couponId, [...fields, 'u', lines.join('\n')]);
  }

  async addRaw(couponId: CouponId, fields: (string | number)[]): Promise<string> {
    return (await this.redis.xadd(streamKey(toPartition(couponId)), '*', ...fields))!;
  }

  async ranks(couponId: CouponId): Promise<number[]> {
    const ranks: number[] = [];
    for await (const page of this.issued.streamByCoupon(couponId))
      ranks.push(...page.map(({ rank }) => rank));
    return ranks;
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for await (const letter of this.letters.list()) letters.push(letter);
    return letters;
  }

  waitUntilDrained(withinMs?: number): Promise<unknown> {
    return until('every stream is empty', async () => (await readLag(this.redis)).entries === 0, withinMs);
  }

  /** `[id, consumer, idleMs, deliveries]` of what is delivered and not settled. */
  async pending(couponId: CouponId): Promise<[string, string, number, number][]> {
    const key = streamKey(toPartition(couponId));
    return (await this.redis.xpending(key, CONSUMER_GROUP, '-', '+', 1_000)) as never;
  }

  /** Delivers everything that is new to a consumer that then does nothing more. */
  async deliverTo(consumer: string) {
    const streams = await this.createStreams(consumer);
    await streams.ensureGroups();
    return { streams, entries: await streams.readNew(1_000, BLOCK_MS) };
  }
}

export const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const users = (first: number, last: number): string[] => range(first, last).map((n) => `user-${n}`);
