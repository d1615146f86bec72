import type { BenchStack, Others, Replica } from './lineup.js';
import { pidOf } from './lineup.js';
import { newUsers, sameUsers, type Row } from './rows.js';
import { createCampaign, createCampaigns, seedWinners, PLENTY, untilDrained } from './system/campaigns.js';

const CAMPAIGNS = 1_000;
const MANY = 1_000_000;
const FEW = 10_000;
/** Users who hold a coupon before a run: apart from those that a run asks for. */
const SEEDED_FROM = 70_000_000;
const HOLDERS = 50_000;

const one = (first: number) => () => ({ first, count: 1 });

function floors({ echo, nginx }: Others, couponId: number): Row[] {
  const common = { kind: 'floor', expected: '2xx', burst: 'full' } as const;
  const users = () => newUsers(one(couponId));
  const node = [pidOf(echo.service)];
  const nginxPids = [pidOf(nginx.service)];
  return [
    {
      ...common,
      ...users(),
      id: 'nginx-return',
      what: 'nginx return 200',
      url: nginx.returnUrl,
      processes: { nginx: nginxPids },
    },
    {
      ...common,
      ...users(),
      burst: 'always',
      id: 'node-echo',
      what: 'bare node:http echo',
      url: echo.url,
      processes: { node },
    },
    {
      ...common,
      ...users(),
      id: 'nginx-node-echo',
      what: 'nginx → bare node:http echo',
      url: nginx.proxyUrl,
      processes: { nginx: nginxPids, node },
    },
  ];
}

/** Those that write to MySQL hand out ranks of their own: a campaign each. */
async function rivals(
  others: Others,
  stack: BenchStack,
  rivalRedis: Replica,
  adminToken: string,
): Promise<Row[]> {
  const redis = [pidOf(rivalRedis.redisService)];
  const database = [pidOf(stack.database)];
  const row = async (
    id: string,
    what: string,
    { url, service }: Others['hello'],
    behind: Row['processes'],
  ) => {
    const couponId = await createCampaign(stack.firstReplicaUrl, adminToken, PLENTY);
    const processes = { node: [pidOf(service)], ...behind };
    return { id, what, kind: 'rival', url, processes, expected: '2xx', ...newUsers(one(couponId)) } as const;
  };
  const { hello, selectForUpdate, evalshaInsert, evalshaQueue } = others;
  const lockRow = 'Express + SELECT … FOR UPDATE (Prisma)';
  const insertRow = 'Express + EVALSHA + Prisma insert';
  return [
    { ...(await row('express-hello', 'stock Express 5 hello', hello, {})), burst: 'full' },
    { ...(await row('select-for-update', lockRow, selectForUpdate, { database })), burst: 'slow' },
    { ...(await row('evalsha-insert', insertRow, evalshaInsert, { redis, database })), burst: 'slow' },
    {
      ...(await row('evalsha-queue', 'Express + EVALSHA + queue', evalshaQueue, { redis })),
      burst: 'full',
    },
  ];
}

const processesOf = (replica: Replica): Row['processes'] => ({
  api: [pidOf(replica.service)],
  redis: [pidOf(replica.redisService)],
});

/** One replica, no worker: what an answer costs, by answer and by what there is already. */
async function replicaRows(durable: Replica, bare: Replica, adminToken: string): Promise<Row[]> {
  const row = (id: string, what: string, replica = durable) =>
    ({
      id,
      what,
      kind: 'service',
      url: replica.url,
      processes: processesOf(replica),
      expected: '2xx',
    }) as const;
  const create = (total: number) => createCampaign(durable.url, adminToken, total);
  const soldOut = await create(1);
  await seedWinners(durable.redis, soldOut, SEEDED_FROM, 1);
  const held = await create(PLENTY);
  await seedWinners(durable.redis, held, 10_000_000, HOLDERS);
  const many = await create(PLENTY);
  await seedWinners(durable.redis, many, SEEDED_FROM, MANY);
  let few = 0;
  const campaigns = await createCampaigns(durable.url, adminToken, CAMPAIGNS);
  return [
    { ...row('issue', 'one replica, AOF always'), ...newUsers(one(durable.couponId)), burst: 'always' },
    {
      ...row('issue-no-aof', 'one replica, Redis without AOF', bare),
      ...newUsers(one(bare.couponId)),
      burst: 'full',
    },
    { ...row('sold-out', 'answers: sold out'), ...newUsers(one(soldOut)), expected: 'not2xx' },
    { ...row('already-issued', 'answers: already issued'), ...sameUsers(held, HOLDERS), expected: 'not2xx' },
    {
      ...row('issue-10k', 'with 10,000 issued before'),
      ...newUsers(() => ({ first: few, count: 1 })),
      begin: async () => {
        few = await create(PLENTY);
        await seedWinners(durable.redis, few, SEEDED_FROM, FEW);
      },
    },
    { ...row('issue-1m', 'with 1,000,000 issued before'), ...newUsers(one(many)) },
    {
      ...row('issue-1000-campaigns', '1,000 campaigns asked in turn'),
      ...newUsers(() => ({ first: campaigns, count: CAMPAIGNS })),
    },
  ];
}

/** With the worker writing to MySQL meanwhile; CPU is counted until everything is there. */
function systemRows(stack: BenchStack, replicas: readonly number[]): Row[] {
  const persisted: Pick<Row, 'begin' | 'settle' | 'end'> = {
    begin: async () => stack.worker.thaw(),
    settle: () => untilDrained(stack.redisClient, stack.couponId),
    end: async () => stack.worker.freeze(),
  };
  const behind = {
    redis: [pidOf(stack.redis)],
    worker: [pidOf(stack.worker)],
    database: [pidOf(stack.database)],
  };
  const users = newUsers(one(stack.couponId));
  const common = { kind: 'service', expected: '2xx', ...users, ...persisted, burst: 'full' } as const;
  return [
    {
      ...common,
      id: 'issue-draining',
      what: 'one replica, worker writing to MySQL',
      url: stack.firstReplicaUrl,
      processes: { api: [replicas[0]!], ...behind },
    },
    {
      ...common,
      id: 'system',
      what: `front door, ${replicas.length} replicas, worker writing`,
      url: stack.frontUrl,
      processes: { nginx: [pidOf(stack.nginx)], api: replicas, ...behind },
    },
  ];
}

export interface Parts {
  readonly stack: BenchStack;
  readonly others: Others;
  readonly durable: Replica;
  readonly bare: Replica;
  readonly adminToken: string;
  /** Processes of the replicas behind the front door. */
  readonly replicas: readonly number[];
}

export async function allRows({ stack, others, durable, bare, adminToken, replicas }: Parts): Promise<Row[]> {
  const { couponId } = stack;
  return [
    ...floors(others, couponId),
    ...(await rivals(others, stack, durable, adminToken)),
    ...(await replicaRows(durable, bare, adminToken)),
    ...systemRows(stack, replicas),
  ];
}
