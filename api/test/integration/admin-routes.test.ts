import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { metaKey } from '../../src/redis/keys.js';
import { ServerIdentity } from '../../src/redis/server-identity.js';
import {
  ADMIN_TOKEN,
  startBackends,
  startReplica,
  type Backends,
  type Replica,
} from '../support/api-replica.js';
import { admin, call, createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
let replica: Replica;
let url: string;

beforeAll(async () => {
  backends = await startBackends();
  replica = await startReplica(backends.env);
  url = replica.url;
});

afterAll(async () => {
  await replica.close();
  await backends.remove();
});

const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();
const IN_TWO_HOURS = new Date(Date.now() + 7_200_000).toISOString();
const listPaths = (body: Record<string, unknown>) =>
  (body['errors'] as { path: string }[]).map(({ path }) => path);

describe('the admin token', () => {
  const get = (headers: Record<string, string>) => call(`${url}/api/v1/admin/coupons`, { headers });

  it.each([
    ['none', {}, 'Bearer realm="admin"'],
    [
      'a wrong one',
      { authorization: `Bearer ${ADMIN_TOKEN}x` },
      'Bearer realm="admin", error="invalid_token"',
    ],
    [
      'another scheme',
      { authorization: `Basic ${ADMIN_TOKEN}` },
      'Bearer realm="admin", error="invalid_token"',
    ],
    ['an empty one', { authorization: 'Bearer ' }, 'Bearer realm="admin", error="invalid_token"'],
    ['two', { authorization: `Bearer ${ADMIN_TOKEN} x` }, 'Bearer realm="admin", error="invalid_token"'],
  ])('%s is 401 with a challenge', async (_what, headers, challenge) => {
    const answer = await get(headers as Record<string, string>);
    expect([answer.status, answer.body['code']]).toEqual([401, 'unauthorized']);
    expect(answer.headers.get('www-authenticate')).toBe(challenge);
  });

  it('is taken whatever the case of the scheme', async () => {
    expect((await get({ authorization: `bearer ${ADMIN_TOKEN}` })).status).toBe(200);
  });

  it('is asked for before anything else: unknown addresses, methods and bodies too', async () => {
    for (const [method, path] of [
      ['GET', '/x/y'],
      ['DELETE', ''],
      ['POST', ''],
      ['PATCH', '/1'],
    ] as const) {
      const answer = await call(`${url}/api/v1/admin/coupons${path}`, { method });
      expect(answer.status).toBe(401);
    }
    expect((await call(`${url}/API/V1/ADMIN/coupons`)).status).toBe(401);
  });
});

describe('creating a campaign', () => {
  it('opens its gate and tells all about it', async () => {
    const wanted = { name: '  Launch ☕ day ', total: 10, opensAt: IN_AN_HOUR, closesAt: IN_TWO_HOURS };
    const { status, body, headers } = await admin(url, 'POST', '', wanted);
    expect(status).toBe(201);
    expect(body).toEqual({
      couponId: expect.any(Number),
      name: 'Launch ☕ day',
      state: 'scheduled',
      total: 10,
      opensAt: IN_AN_HOUR,
      closesAt: IN_TWO_HOURS,
      closedAt: null,
      gate: 'open',
      issued: 0,
      remaining: 10,
    });
    expect(headers.get('location')).toBe(`/api/v1/admin/coupons/${String(body['couponId'])}`);
    const read = await admin(url, 'GET', `/${String(body['couponId'])}`);
    expect(read.body).toEqual({ ...body, persisted: 0, lag: { entries: 0, oldestAgeMs: 0 } });
    expect(await replica.redis.hgetall(metaKey(body['couponId'] as number))).toEqual({
      total: '10',
      opensAtMs: String(Date.parse(IN_AN_HOUR)),
      closesAtMs: String(Date.parse(IN_TWO_HOURS)),
      closed: '0',
      revision: '0',
      generation: '1',
      checked: await ServerIdentity.get(replica.redis).read(),
      issued: '0',
    });
  });

  it('opens now and has no end unless told otherwise', async () => {
    const { body } = await admin(url, 'POST', '', { name: 'x', total: 1 });
    expect(body).toMatchObject({ state: 'open', closesAt: null });
    expect((await issue(url, body['couponId'] as number, 'u')).status).toBe(200);
  });

  it('takes times of any zone and answers in UTC', async () => {
    const { body } = await admin(url, 'POST', '', {
      name: 'x',
      total: 1,
      opensAt: '2031-05-01T09:00:00+09:00',
    });
    expect(body['opensAt']).toBe('2031-05-01T00:00:00.000Z');
  });

  it('is possible at the limits of every member', async () => {
    const { status, body } = await admin(url, 'POST', '', { name: 'n'.repeat(120), total: 10_000_000 });
    expect([status, body['total']]).toEqual([201, 10_000_000]);
  });

  it.each([
    ['no name', { total: 1 }, ['name']],
    ['an empty name', { name: ' ', total: 1 }, ['name']],
    ['a name of 121 characters', { name: 'n'.repeat(121), total: 1 }, ['name']],
    ['a control character in the name', { name: 'a\u0000b', total: 1 }, ['name']],
    ['a total of 0', { name: 'x', total: 0 }, ['total']],
    ['a total beyond ten million', { name: 'x', total: 10_000_001 }, ['total']],
    ['half a coupon', { name: 'x', total: 1.5 }, ['total']],
    ['a total that is text', { name: 'x', total: '5' }, ['total']],
    ['a time without a zone', { name: 'x', total: 1, opensAt: '2030-01-01T00:00:00' }, ['opensAt']],
    ['a day that does not exist', { name: 'x', total: 1, opensAt: '2030-02-30T00:00:00Z' }, ['opensAt']],
    ['a time before 2000', { name: 'x', total: 1, opensAt: '1969-01-01T00:00:00Z' }, ['opensAt']],
    [
      'an end before the beginning',
      { name: 'x', total: 1, opensAt: IN_TWO_HOURS, closesAt: IN_AN_HOUR },
      ['closesAt'],
    ],
    ['an end in the past', { name: 'x', total: 1, closesAt: '2020-01-01T00:00:00Z' }, ['closesAt']],
    [
      'an end at the beginning',
      { name: 'x', total: 1, opensAt: IN_AN_HOUR, closesAt: IN_AN_HOUR },
      ['closesAt'],
    ],
    ['an unknown member', { name: 'x', total: 1, issued: 5 }, ['']],
    ['several faults', { name: '', total: 0 }, ['name', 'total']],
    ['a list', [], ['']],
  ])('with %s is 400 and names every fault', async (_what, body, paths) => {
    const answer = await admin(url, 'POST', '', body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'invalid-request']);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(listPaths(answer.body)).toEqual(paths);
  });

  const send = (body: string | undefined, headers: Record<string, string>) =>
    call(`${url}/api/v1/admin/coupons`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  const JSON_TYPE = { 'content-type': 'application/json' };

  it.each([
    ['malformed JSON', '{"name":', JSON_TYPE, 400, 'invalid-request'],
    ['JSON that is no object', '5', JSON_TYPE, 400, 'invalid-request'],
    ['no body', undefined, {}, 415, 'unsupported-media-type'],
    [
      'a form',
      'name=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported-media-type',
    ],
    ['text', '{}', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    [
      'an unknown encoding',
      '{}',
      { ...JSON_TYPE, 'content-encoding': 'rot13' },
      415,
      'unsupported-media-type',
    ],
    [
      'an unknown charset',
      '{}',
      { 'content-type': 'application/json; charset=x' },
      415,
      'unsupported-media-type',
    ],
    ['more than 16 kB', JSON.stringify({ name: 'n'.repeat(17_000) }), JSON_TYPE, 413, 'payload-too-large'],
  ])('with %s is a problem, not a fault', async (_what, body, headers, status, code) => {
    const answer = await send(body, headers as Record<string, string>);
    expect([answer.status, answer.body['status'], answer.body['code']]).toEqual([status, status, code]);
  });
});

describe('reading', () => {
  it('shows what was issued, what remains and what waits for MySQL', async () => {
    const couponId = await createCampaign(url, { total: 3 });
    await issue(url, couponId, 'a');
    await issue(url, couponId, 'b');
    const { body } = await admin(url, 'GET', `/${couponId}`);
    expect(body).toMatchObject({ issued: 2, remaining: 1, persisted: 0, gate: 'open', state: 'open' });
    expect(body['lag']).toEqual({ entries: 2, oldestAgeMs: expect.any(Number) });
    await issue(url, couponId, 'c');
    expect((await admin(url, 'GET', `/${couponId}`)).body).toMatchObject({ state: 'soldOut', remaining: 0 });
  });

  it('pages through the list by id', async () => {
    const first = await createCampaign(url, { total: 3 });
    const second = await createCampaign(url, { total: 4 });
    const page = await admin(url, 'GET', `?after=${first - 1}&limit=1`);
    expect(page.body['campaigns']).toMatchObject([{ couponId: first, total: 3, gate: 'open', issued: 0 }]);
    expect(page.body['next']).toBe(first);
    const rest = await admin(url, 'GET', `?after=${first}`);
    expect(rest.body).toMatchObject({ campaigns: [{ couponId: second }], next: null });
  });

  it.each(['?limit=0', '?limit=101', '?limit=x', '?after=-1', '?limit=1&limit=2', '?page=2', '?after='])(
    'a page %s is 400',
    async (query) => {
      const answer = await admin(url, 'GET', query);
      expect([answer.status, answer.body['code']]).toEqual([400, 'invalid-request']);
    },
  );

  it.each([
    ['GET', '/999999', undefined],
    ['PATCH', '/999999', { total: 5 }],
    ['POST', '/999999/close', undefined],
  ])('%s %s of an unknown coupon is 404', async (method, path, body) => {
    const answer = await admin(url, method, path, body);
    expect([answer.status, answer.body['code']]).toEqual([404, 'unknown-coupon']);
  });

  it('of a malformed id is 400', async () => {
    expect((await admin(url, 'GET', '/abc')).body['code']).toBe('invalid-coupon-id');
  });

  it.each([
    ['PUT', '', 'GET, HEAD, POST'],
    ['DELETE', '/1', 'GET, HEAD, PATCH'],
    ['GET', '/1/close', 'POST'],
  ])('%s on %s is 405 with Allow', async (method, path, allow) => {
    const answer = await admin(url, method, path);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
  });
});

describe('changing', () => {
  it('raises the stock, and a sold-out campaign goes on', async () => {
    const couponId = await createCampaign(url, { total: 1 });
    await issue(url, couponId, 'a');
    const { status, body } = await admin(url, 'PATCH', `/${couponId}`, { total: 2, name: 'More' });
    expect([status, body['total'], body['name'], body['remaining']]).toEqual([200, 2, 'More', 1]);
    expect((await issue(url, couponId, 'b')).body['rank']).toBe(2);
  });

  it('never lowers the stock', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const answer = await admin(url, 'PATCH', `/${couponId}`, { total: 4 });
    expect([answer.status, answer.body['code']]).toEqual([409, 'stock-cannot-shrink']);
    expect((await admin(url, 'GET', `/${couponId}`)).body['total']).toBe(5);
  });

  it('moves the window, and takes the end away', async () => {
    const couponId = await createCampaign(url, { total: 5, opensAt: IN_AN_HOUR, closesAt: IN_TWO_HOURS });
    const opensAt = new Date(Date.now() - 1_000).toISOString();
    const { body } = await admin(url, 'PATCH', `/${couponId}`, { opensAt, closesAt: null });
    expect(body).toMatchObject({ opensAt, closesAt: null, state: 'open' });
    expect((await issue(url, couponId, 'a')).status).toBe(200);
  });

  it('does not put off what has begun: somebody may hold a coupon', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const answer = await admin(url, 'PATCH', `/${couponId}`, { opensAt: IN_AN_HOUR });
    expect([answer.status, answer.body['code']]).toEqual([409, 'already-opened']);
  });

  it('refuses an end before the beginning, also when only one of them changes', async () => {
    const couponId = await createCampaign(url, { total: 5, opensAt: IN_TWO_HOURS });
    const answer = await admin(url, 'PATCH', `/${couponId}`, { closesAt: IN_AN_HOUR });
    expect([answer.status, answer.body['code']]).toEqual([400, 'invalid-request']);
    expect(listPaths(answer.body)).toEqual(['closesAt']);
  });

  it('refuses to change nothing', async () => {
    expect((await admin(url, 'PATCH', '/1', {})).status).toBe(400);
  });
});

describe('closing', () => {
  it('ends a campaign for good, once', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const closed = await admin(url, 'POST', `/${couponId}/close`);
    expect(closed.body).toMatchObject({ state: 'ended', closedAt: expect.any(String) });
    expect((await issue(url, couponId, 'a')).body['code']).toBe('ended');
    const again = await admin(url, 'POST', `/${couponId}/close`);
    expect([again.status, again.body['closedAt']]).toEqual([200, closed.body['closedAt']]);
    const changed = await admin(url, 'PATCH', `/${couponId}`, { total: 9 });
    expect([changed.status, changed.body['code']]).toEqual([409, 'campaign-closed']);
  });
});

describe('when Redis is away', () => {
  it('what MySQL took is answered with 202 and an unknown gate, and reading goes on without live numbers', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    await backends.redis.stop();
    try {
      const created = await admin(url, 'POST', '', { name: 'x', total: 1 });
      expect([created.status, created.body['gate'], created.body['issued']]).toEqual([202, 'unknown', null]);
      const raised = await admin(url, 'PATCH', `/${couponId}`, { total: 6 });
      expect([raised.status, raised.body['total']]).toEqual([202, 6]);
      const read = await admin(url, 'GET', `/${couponId}`);
      expect(read.body).toMatchObject({ total: 6, gate: 'unknown', issued: null, persisted: 0, lag: null });
      expect((await admin(url, 'GET', '')).status).toBe(200);
      const closed = await admin(url, 'POST', `/${couponId}/close`);
      expect([closed.status, closed.body['state']]).toEqual([202, 'ended']);
    } finally {
      await backends.redis.start();
    }
    // Said again, it is applied.
    await until(
      'Redis takes it',
      async () => (await admin(url, 'POST', `/${couponId}/close`)).status === 200,
    );
    expect((await issue(url, couponId, 'a')).body['code']).toBe('ended');
  });

  it('a gate that was lost with its winners stays shut: opening it is the business of the worker', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    await replica.redis.del(metaKey(couponId));
    const raised = await admin(url, 'PATCH', `/${couponId}`, { total: 6 });
    expect([raised.status, raised.body['gate']]).toEqual([202, 'shut']);
    expect((await issue(url, couponId, 'a')).status).toBe(503);
  });
});

describe('when the database is away', () => {
  it('every call is 503 with Retry-After', async () => {
    await backends.database.stop();
    try {
      const answers = await Promise.all([
        admin(url, 'POST', '', { name: 'x', total: 1 }),
        admin(url, 'GET', ''),
        admin(url, 'GET', '/1'),
        admin(url, 'PATCH', '/1', { total: 20_000 }),
        admin(url, 'POST', '/1/close'),
      ]);
      for (const { status, body, headers } of answers)
        expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'not-ready', '1']);
    } finally {
      await backends.database.start();
    }
    await until('it is back', async () => (await admin(url, 'GET', '/1')).status === 200);
  });
});
