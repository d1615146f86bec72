import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { ManagedService } from '../stack/native/managed-service.js';
import { requirePrograms } from '../stack/install.js';
import { apiService } from '../stack/native/node-services.js';
import { redisService } from '../stack/native/redis-service.js';
import { nginxFloors } from './floors/nginx-floors.js';
import { createCampaign, PLENTY } from './system/campaigns.js';
import { nodeProgram } from './system/node-program.js';
import type { Sandbox } from './system/sandbox.js';

/** Stream entries that may wait: rows without a worker let them pile up. */
const BACKLOG = '10000000';

export interface Replica {
  readonly url: string;
  readonly service: ManagedService;
  readonly redis: Redis;
  readonly redisService: ManagedService;
  readonly redisPassword: string;
  /** A campaign with more stock than a run can issue. */
  readonly couponId: number;
}

const urlOf = (port: number): string => `http://127.0.0.1:${port}`;
export const pidOf = (service: { name: string; pid: number | undefined }): number => {
  if (service.pid === undefined) throw new Error(`${service.name} does not run`);
  return service.pid;
};

/** The whole system: the native stack with its front door. Its worker sleeps unless a row wakes it. */
export async function startStack(sandbox: Sandbox, replicas: number) {
  await sandbox.stack.up({ api: replicas });
  const [redis, database, worker, nginx] = await Promise.all(
    ['redis', 'database', 'worker-1', 'nginx'].map((name) => sandbox.stack.service(name)),
  );
  const api = async (index: number) => sandbox.stack.service(`api-${index}`);
  const first = await api(1);
  await worker!.freeze();
  return {
    redis: redis!,
    database: database!,
    worker: worker!,
    nginx: nginx!,
    api,
    frontUrl: sandbox.stack.frontUrl,
    firstReplicaUrl: urlOf(first.port),
    redisClient: sandbox.connectRedis(redis!.port),
    couponId: await createCampaign(urlOf(first.port), sandbox.stack.adminToken, PLENTY),
  };
}

export type BenchStack = Awaited<ReturnType<typeof startStack>>;

/** A replica with a Redis of its own and no worker. `durable: false`: Redis without AOF. */
export async function startReplica(
  sandbox: Sandbox,
  databasePort: number,
  { name, durable, nodeOptions = [] }: { name: string; durable: boolean; nodeOptions?: readonly string[] },
): Promise<Replica> {
  const { redis: program } = await requirePrograms();
  // Of this run only: redis-benchmark takes it as an argument, for everybody to see.
  const password = randomBytes(12).toString('hex');
  const folder = join(sandbox.folder, name);
  const port = await sandbox.portOf(`redis-${name}`);
  const spec = redisService({ program, folder, port, password, maxMemory: '0' });
  const redisServer = await sandbox.start({ ...spec, name: `redis-${name}` });
  const redis = sandbox.connectRedis(port, password);
  // Preparing campaigns writes a lot: the rewrite it would cause belongs to no row.
  await redis.config('SET', 'auto-aof-rewrite-percentage', 0);
  if (!durable) await redis.config('SET', 'appendonly', 'no');
  const apiPort = await sandbox.portOf(`api-${name}`);
  const env = sandbox.appEnvironment(port, databasePort, {
    BACKLOG_MAX_COUPONS: BACKLOG,
    REDIS_PASSWORD: password,
  });
  const api = apiService({ index: 1, port: apiPort, env });
  const args = [...nodeOptions, ...api.args];
  const service = await sandbox.start({ ...api, name: `api-${name}`, args });
  const url = urlOf(apiPort);
  const couponId = await createCampaign(url, sandbox.stack.adminToken, PLENTY);
  return { url, service, redis, redisService: redisServer, redisPassword: password, couponId };
}

/** The floors and the rivals, by name. Rivals use the stack's database and the given Redis. */
export async function startOthers(
  sandbox: Sandbox,
  databasePort: number,
  { redisService, redisPassword }: Replica,
) {
  const own = { TOTAL: String(PLENTY), REDIS_PASSWORD: redisPassword };
  const env = sandbox.appEnvironment(redisService.port, databasePort, own);
  const start = async (name: string, program: string) => {
    const port = await sandbox.portOf(name);
    const service = await sandbox.start(nodeProgram({ name, program: `bench/${program}`, port, env }));
    return { url: urlOf(port), service };
  };
  const echo = await start('node-echo', 'floors/http-echo');
  const [returnPort, proxyPort] = [await sandbox.portOf('nginx-return'), await sandbox.portOf('nginx-proxy')];
  const { nginx: program } = await requirePrograms();
  const folder = join(sandbox.folder, 'nginx-floors');
  const nginx = await sandbox.start(
    nginxFloors({ program, folder, returnPort, proxyPort, echoPort: echo.service.port }),
  );
  return {
    echo,
    nginx: { service: nginx, returnUrl: urlOf(returnPort), proxyUrl: urlOf(proxyPort) },
    hello: await start('express-hello', 'rivals/express-hello'),
    selectForUpdate: await start('select-for-update', 'rivals/select-for-update'),
    evalshaInsert: await start('evalsha-insert', 'rivals/evalsha-insert'),
    evalshaQueue: await start('evalsha-queue', 'rivals/evalsha-queue'),
  };
}

export type Others = Awaited<ReturnType<typeof startOthers>>;
