import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { AdminClient } from '../../loadtest/admin-client.js';
import { requirePrograms } from '../../stack/install.js';
import type { ManagedService } from '../../stack/native/managed-service.js';
import { apiService } from '../../stack/native/node-services.js';
import { redisService } from '../../stack/native/redis-service.js';
import { FIRST_USER, Users, type Subject } from '../subject.js';
import { createCampaign, createCampaigns, seedWinners } from './campaigns.js';
import type { Servers } from './servers.js';

/** Coupons that may wait in a stream: without a worker they pile up. */
const BACKLOG = '10000000';
const CAMPAIGNS = 1_000;
const MANY = 1_000_000;
const FEW = 10_000;
const HOLDERS = 50_000;
/** Users who hold a coupon before a run: apart from those that a run asks for. */
const SEEDED_FROM = 70_000_000;

export interface Replica {
  readonly url: string;
  readonly admin: AdminClient;
  readonly api: ManagedService;
  readonly redis: Redis;
  readonly redisServer: ManagedService;
  readonly redisPassword: string;
  /** A campaign with more stock than a run can issue. */
  readonly couponId: number;
}

interface ReplicaOptions {
  readonly name: string;
  readonly durable: boolean;
  readonly nodeOptions?: readonly string[];
  /** Settings of its own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A replica with a Redis of its own and no worker. `durable: false`: Redis without AOF. */
export async function startReplica(
  servers: Servers,
  { name, durable, nodeOptions = [], env = {} }: ReplicaOptions,
): Promise<Replica> {
  const { redis: program } = await requirePrograms();
  // Of this run only: redis-benchmark takes it as an argument, for everybody to see.
  const password = randomBytes(12).toString('hex');
  const redisPort = await servers.assignPort(`${name}-redis`);
  const folder = join(servers.folder, name);
  const spec = redisService({ program, folder, port: redisPort, password, maxMemory: '0' });
  const redisServer = await servers.start({ ...spec, name: `${name}-redis` });
  const redis = servers.connectRedis(redisPort, password);
  // Preparing campaigns writes a lot: the rewrite it would cause belongs to no subject.
  await redis.config('SET', 'auto-aof-rewrite-percentage', 0);
  if (!durable) await redis.config('SET', 'appendonly', 'no');
  const port = await servers.assignPort(`${name}-api`);
  const own = { BACKLOG_MAX_COUPONS: BACKLOG, REDIS_PASSWORD: password, ...env };
  const replica = apiService({ index: 1, port, env: await servers.makeEnvironment(redisPort, own) });
  const args = [...nodeOptions, ...replica.args];
  const api = await servers.start({ ...replica, name: `${name}-api`, args });
  const url = `http://127.0.0.1:${port}`;
  const admin = new AdminClient({ opsUrl: url, adminToken: servers.stack.adminToken });
  const couponId = await createCampaign(admin);
  return { url, admin, api, redis, redisServer, redisPassword: password, couponId };
}

function defineSubject(
  { url, api, redisServer }: Replica,
  id: string,
  what: string,
  users: Users,
  more: Pick<Subject, 'burst' | 'refuses' | 'begin'> = {},
): Subject {
  const processes = { api: [api.pid!], redis: [redisServer.pid!] };
  return { id, what, kind: 'service', url, processes, users, ...more };
}

/** A replica that issues to new users. */
export const issueSubject = (replica: Replica, id: string, what: string): Subject =>
  defineSubject(replica, id, what, new Users(replica.couponId));

/** One replica, no worker: what an answer costs, by answer and by what there is already. */
export async function prepareReplicas(durable: Replica, bare: Replica): Promise<Subject[]> {
  const seed = async (firstUser: number, count: number, total?: number): Promise<number> => {
    const couponId = await createCampaign(durable.admin, total);
    await seedWinners(durable.redis, couponId, firstUser, count);
    return couponId;
  };
  const define = defineSubject.bind(null, durable);
  const soldOut = new Users(await seed(SEEDED_FROM, 1, 1));
  const holders = new Users(await seed(FIRST_USER, HOLDERS), { same: HOLDERS });
  const afterMany = new Users(await seed(SEEDED_FROM, MANY));
  const inTurn = new Users(await createCampaigns(durable.admin, CAMPAIGNS), { coupons: CAMPAIGNS });
  const afterFew = new Users(0);
  const begin = async () => {
    afterFew.firstCoupon = await seed(SEEDED_FROM, FEW);
  };
  const [withAof, withoutAof] = [new Users(durable.couponId), new Users(bare.couponId)];
  return [
    define('issue', 'one replica, AOF always', withAof, { burst: 'always' }),
    defineSubject(bare, 'issue-no-aof', 'one replica, Redis without AOF', withoutAof, { burst: 'full' }),
    define('sold-out', 'answers: sold out', soldOut, { refuses: true }),
    define('already-issued', 'answers: already issued', holders, { refuses: true }),
    define('issue-10k', 'with 10,000 issued before', afterFew, { begin }),
    define('issue-1m', 'with 1,000,000 issued before', afterMany),
    define('issue-1000-campaigns', '1,000 campaigns asked in turn', inTurn),
  ];
}

/** What a span costs a replica: of one call in a hundred, and of all. Nothing but the replica's own CPU is counted. */
export async function startTracedReplicas(servers: Servers, collectorUrl: string): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const [share, what] of [
    ['0.01', 'traces of one call in 100'],
    ['1', 'traces of all calls'],
  ] as const) {
    const name = `traced-${share}`;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl, OTEL_TRACES_SAMPLER_ARG: share };
    const replica = await startReplica(servers, { name, durable: true, env });
    subjects.push(issueSubject(replica, `issue-${name}`, what));
  }
  return subjects;
}
