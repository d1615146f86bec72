import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { call, createCampaign, issue, type Answer } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
let replica: Replica;
let url: string;
let couponId: number;

beforeAll(async () => {
  backends = await startBackends();
  replica = await startReplica(backends.env);
  url = replica.url;
});

beforeEach(async () => {
  couponId = await createCampaign(url, { total: 1_000 });
});

afterEach(async () => {
  backends.redis.resume();
  await until('the replica is ready again', async () => (await call(`${url}/readyz`)).status === 200);
});

afterAll(async () => {
  await replica.close();
  await backends.remove();
});

const summary = ({ status, body, headers }: Answer) => [status, body['code'], headers.get('retry-after')];

describe('when Redis dies', () => {
  it('every answer is 503 with Retry-After, readiness fails, and all is well again without a restart', async () => {
    const before = await issue(url, couponId, 'early', { 'idempotency-key': 'k' });
    await backends.redis.kill();
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => issue(url, couponId, `u${i}`)));
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(['not-ready', 'outcome-unknown']).toContain(answer.body['code']);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(summary(await issue(url, couponId, 'u'))).toEqual([503, 'not-ready', '1']);
    expect((await call(`${url}/readyz`)).status).toBe(503);
    expect((await call(`${url}/livez`)).status).toBe(200);
    expect(summary(await call(`${url}/api/v1/coupons/${couponId}`))).toEqual([503, 'not-ready', '1']);
    const mine = await call(`${url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': 'early' } });
    expect(summary(mine)).toEqual([503, 'not-ready', '1']);

    await backends.redis.start();
    const after = await until('it issues again', async () => {
      const answer = await issue(url, couponId, 'late');
      return answer.status !== 503 && answer;
    });
    expect(after.body).toMatchObject({ rank: 2 });
    // What was promised before it died is on its disk.
    expect((await issue(url, couponId, 'early', { 'idempotency-key': 'k' })).body).toEqual(before.body);
  });
});

describe('when Redis hangs', () => {
  it('the answer is 503 outcome-unknown in time, and the same key tells the outcome afterwards', async () => {
    backends.redis.pause();
    const startMs = performance.now();
    const unknown = await issue(url, couponId, 'lee', { 'idempotency-key': 'k' });
    // The limit is 800 ms; a hang would be far longer.
    expect(performance.now() - startMs).toBeLessThan(5_000);
    expect(summary(unknown)).toEqual([503, 'outcome-unknown', '1']);
    expect((await call(`${url}/readyz`)).status).toBe(503);

    backends.redis.resume();
    const told = await until('Redis answers', async () => {
      const answer = await issue(url, couponId, 'lee', { 'idempotency-key': 'k' });
      return answer.status !== 503 && answer;
    });
    expect([told.status, told.body['rank']]).toEqual([200, 1]);
    expect(told.headers.get('idempotency-replayed')).toBe('true');
    expect((await issue(url, couponId, 'lee', { 'idempotency-key': 'other' })).status).toBe(409);
  });
});

describe('when Redis refuses to write', () => {
  it('the answer is 503 not-ready and nothing is issued', async () => {
    await replica.redis.config('SET', 'maxmemory', '1');
    try {
      expect(summary(await issue(url, couponId, 'u'))).toEqual([503, 'not-ready', '1']);
    } finally {
      await replica.redis.config('SET', 'maxmemory', '0');
    }
    expect((await issue(url, couponId, 'v')).body).toMatchObject({ rank: 1 });
  });

  it('the scripts it forgot are sent again', async () => {
    await issue(url, couponId, 'a');
    await replica.redis.script('FLUSH');
    expect((await issue(url, couponId, 'b')).body).toMatchObject({ rank: 2 });
  });
});

describe('when the database is away', () => {
  it('open coupons are issued as ever, and an unknown id is 503, not 404', async () => {
    await backends.database.stop();
    try {
      expect((await issue(url, couponId, 'a')).status).toBe(200);
      expect(summary(await issue(url, 987_654, 'a'))).toEqual([503, 'not-ready', '1']);
      expect((await call(`${url}/readyz`)).status).toBe(200);
    } finally {
      await backends.database.start();
    }
    await until('it is asked again', async () => (await issue(url, 987_654, 'a')).status === 404);
  });

  it('that hangs, an unknown id is 503 in time', async () => {
    backends.database.pause();
    try {
      const startMs = performance.now();
      expect(summary(await issue(url, 987_655, 'a'))).toEqual([503, 'not-ready', '1']);
      expect(performance.now() - startMs).toBeLessThan(5_000);
      expect((await issue(url, couponId, 'a')).status).toBe(200);
    } finally {
      backends.database.resume();
    }
  });
});
