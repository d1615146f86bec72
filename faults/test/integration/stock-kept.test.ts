import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import {
  startBackends,
  startReplica,
  type Backends,
  type Replica,
} from '../../../api/test/support/api-replica.js';
import { createCampaign, issue } from '../../../api/test/support/calls.js';
import { startRedis, until, type TestRedis } from '../../../api/test/support/servers.js';
import { readApiConfig } from '../../../api/src/config.js';
import { connectRedis, waitUntilReady, type Redis } from '../../../api/src/redis/connection.js';

let backends: Backends;
let follower: TestRedis;
let primary: Redis;
let replica: Replica;

const STOCK = 5;
const REFUSED = 20;

const connect = async (server: TestRedis): Promise<Redis> => {
  const redis = connectRedis(readApiConfig({ ...backends.env, ...server.env }), pino({ level: 'silent' }));
  await waitUntilReady(redis, 5_000);
  return redis;
};

const confirming = async (count: number) =>
  (await primary.info('replication')).includes(`min_slaves_good_slaves:${count}`);

async function follow(): Promise<void> {
  const link = await connect(follower);
  await link.config('SET', 'masterauth', backends.redis.password);
  await link.call('REPLICAOF', '127.0.0.1', backends.redis.port);
  link.disconnect();
  await until('the replica confirms', () => confirming(1));
}

beforeAll(async () => {
  backends = await startBackends();
  follower = await startRedis();
  primary = await connect(backends.redis);
  await primary.config('SET', 'repl-diskless-sync-delay', '0');
  await primary.config('SET', 'min-replicas-to-write', '1');
  await primary.config('SET', 'min-replicas-max-lag', '1');
  await follow();
  replica = await startReplica({ ...backends.env, REDIS_MIN_REPLICAS: '1' });
});
afterAll(async () => {
  await replica?.close();
  primary?.disconnect();
  await Promise.all([backends?.remove(), follower?.remove()]);
});

describe('while no replica can confirm', () => {
  it('nobody takes a rank in vain: the stock is there for whoever comes when a replica is back', async () => {
    const couponId = await createCampaign(replica.url, { total: STOCK });
    expect((await issue(replica.url, couponId, 'first')).status).toBe(200);
    await follower.kill();
    await until('Redis misses its replica', () => confirming(0));

    for (let user = 1; user <= REFUSED; user += 1) {
      const answer = await issue(replica.url, couponId, `refused-${user}`);
      expect([answer.status, answer.body['code']]).toEqual([503, 'not-ready']);
    }
    await follower.start();
    await follow();
    const ranks: unknown[] = [];
    for (let user = 2; user <= STOCK; user += 1) {
      const answer = await until('it is issued', async () => {
        const one = await issue(replica.url, couponId, `later-${user}`, { 'idempotency-key': 'k' });
        return one.status === 200 && one;
      });
      ranks.push(answer.body['rank']);
    }
    expect(ranks).toEqual([2, 3, 4, 5]);
    expect((await issue(replica.url, couponId, 'too-late')).body['code']).toBe('sold-out');
  });
});
