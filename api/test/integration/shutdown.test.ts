import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readApiConfig } from '../../src/config.js';
import { createLogger } from '../../src/logger.js';
import { connectRedis, type Redis } from '../../src/redis/connection.js';
import { winnersKey } from '../../src/redis/keys.js';
import { isReady, killApis, launchApi } from '../support/api-process.js';
import { ADMIN_TOKEN, startBackends, startReplica, type Backends } from '../support/api-replica.js';
import { admin, call, createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
let couponId: number;
let redis: Redis;
const launch = (env: Record<string, string> = {}) => launchApi({ ...backends.env, ...env });

beforeAll(async () => {
  backends = await startBackends();
  const replica = await startReplica(backends.env);
  couponId = await createCampaign(replica.url, { total: 1_000_000 });
  await replica.close();
  const config = readApiConfig({ ...backends.env });
  redis = connectRedis(config, createLogger('test', 'silent'));
});

/** Users of the clients below, as Redis has them. */
const winners = async () =>
  (await redis.hkeys(winnersKey(couponId))).filter((userId) => userId.startsWith('client'));

afterEach(killApis);

afterAll(async () => {
  redis.disconnect();
  await backends.remove();
});

/** A user after another, over kept connections as long as they last, until no connection is to be had. */
async function keepAsking(port: number, name: string): Promise<Map<string, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses = new Map<string, number>();
  let isOver = false;
  for (let i = 0; !isOver; i++) {
    const userId = `${name}-${i}`;
    await new Promise<void>((resolve) => {
      const options = { agent, port, method: 'POST', headers: { 'x-user-id': userId } };
      const req = request({ ...options, path: `/api/v1/coupons/call/${couponId}` }, (res) => {
        statuses.set(userId, res.statusCode!);
        res.resume().once('end', resolve);
      });
      // Refused, or reset by the kernel before the replica saw it: who got a coupon all the same is checked by the caller.
      req.once('error', () => {
        isOver = true;
        resolve();
      });
      req.end();
    });
  }
  agent.destroy();
  return statuses;
}

describe('a replica that is told to end', () => {
  it('fails its readiness first, answers every request it took, and exits with 0', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '600' });
    await until('the replica is ready', () => isReady(replica.url));
    const clients = Array.from({ length: 20 }, (_, i) => keepAsking(replica.port, `client${i}`));
    await until('the clients are under way', async () => (await winners()).length > 50);

    replica.child.kill('SIGTERM');
    await until('readiness fails while it still answers', async () => {
      const { status } = await call(`${replica.url}/readyz`);
      return status === 503;
    });
    expect((await issue(replica.url, couponId, 'during-the-grace')).status).toBe(200);

    expect(await replica.ended).toBe(0);
    const answers = new Map((await Promise.all(clients)).flatMap((statuses) => [...statuses]));
    expect(new Set(answers.values())).toEqual(new Set([200]));
    // Nobody was given a coupon and not told.
    expect((await winners()).sort()).toEqual([...answers.keys()].sort());
  });

  it('asks its clients to come on another connection from then on', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '600' });
    await until('the replica is ready', () => isReady(replica.url));
    replica.child.kill('SIGTERM');
    const closing = await until('an answer says so', async () => {
      const answer = await new Promise<string | undefined>((resolve, reject) => {
        const agent = new Agent({ keepAlive: true });
        request({ agent, port: replica.port, path: '/livez' }, (res) => {
          res.resume().once('end', () => agent.destroy());
          resolve(res.headers.connection);
        })
          .once('error', reject)
          .end();
      });
      return answer === 'close';
    });
    expect(closing).toBe(true);
    expect(await replica.ended).toBe(0);
  });

  it('waits for a request that Redis has not decided yet', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '0', REDIS_COMMAND_TIMEOUT_MS: '5000' });
    await until('the replica is ready', () => isReady(replica.url));
    backends.redis.pause();
    const answer = issue(replica.url, couponId, 'patient');
    try {
      await until('the attempt is with Redis', async () => {
        const { body } = await call(`${replica.url}/metrics`);
        return String(body['text']).includes('coupon_attempts_pending 1');
      });
      replica.child.kill('SIGTERM');
      await until('it takes no more connections', () =>
        call(`${replica.url}/livez`).then(
          () => false,
          () => true,
        ),
      );
    } finally {
      backends.redis.resume();
    }
    expect((await answer).status).toBe(200);
    expect(await replica.ended).toBe(0);
  });

  it('is not held up by a connection that never sends a request', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '0' });
    await until('the replica is ready', () => isReady(replica.url));
    const silent = connect(replica.port, '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    replica.child.kill('SIGTERM');
    expect(await replica.ended).toBe(0);
    silent.destroy();
  });
});

describe('the log of a replica', () => {
  it('has a line for a read and an admin call, and neither user ids nor secrets', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '0', LOG_LEVEL: 'trace' });
    await until('the replica is ready', () => isReady(replica.url));
    const headers = { 'x-user-id': 'secret-user', 'idempotency-key': 'secret-key' };
    await issue(replica.url, couponId, 'secret-user', headers);
    await call(`${replica.url}/api/v1/users/me/coupons`, { headers });
    await admin(replica.url, 'POST', '', { name: 'x', total: 1 });
    await admin(replica.url, 'GET', '/%zz');
    await call(`${replica.url}/api/v1/admin/coupons`, { headers: { authorization: 'Bearer secret-guess' } });
    replica.child.kill('SIGTERM');
    expect(await replica.ended).toBe(0);
    const lines = replica
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { req?: { url: string }; res?: unknown });
    const urls = lines.flatMap(({ req }) => (req ? [req.url] : []));
    expect(urls).toContain('/api/v1/users/me/coupons');
    expect(urls).toContain('/api/v1/admin/coupons');
    expect(urls.filter((url) => url.includes('/call/'))).toEqual([]);
    const secrets = ['secret-', ADMIN_TOKEN, backends.redis.password, 'x-user-id', 'authorization'];
    for (const secret of secrets) expect(replica.output().toLowerCase()).not.toContain(secret.toLowerCase());
    expect(
      Math.max(
        ...replica
          .output()
          .split('\n')
          .map(({ length }) => length),
      ),
    ).toBeLessThan(2_000);
  });
});

describe('a replica that starts', () => {
  it('does not listen before Redis answers, says so, and then does', async () => {
    await backends.redis.stop();
    const replica = await launch();
    try {
      await until('it says why it does not listen', () => replica.output().includes('redis connection lost'));
      await expect(call(`${replica.url}/livez`)).rejects.toThrow();
    } finally {
      await backends.redis.start();
    }
    await until('the replica is ready', () => isReady(replica.url));
  });

  it('ends when it is told to while it still waits for Redis', async () => {
    await backends.redis.stop();
    const replica = await launch();
    try {
      await until('it waits', () => replica.output().includes('redis connection lost'));
      replica.child.kill('SIGTERM');
      expect(await replica.ended).toBe(0);
    } finally {
      await backends.redis.start();
    }
  });

  it('names every fault of its environment and exits with 78, without a stack and without values', async () => {
    const replica = await launch({ ADMIN_TOKEN: 'short-secret', REDIS_PASSWORD: '', PORT: '0' });
    expect(await replica.ended).toBe(78);
    for (const name of ['ADMIN_TOKEN', 'REDIS_PASSWORD', 'PORT'])
      expect(replica.output()).toContain(`${name}:`);
    expect(replica.output()).not.toContain('short-secret');
    expect(replica.output()).not.toContain('    at ');
  });
});
