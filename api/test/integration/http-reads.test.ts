import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseIssuedEntry } from '../../src/redis/issued-entry.js';
import { CONSUMER_GROUP, metaKey, toPartition, streamKey, undrainedKey } from '../../src/redis/keys.js';
import { PrismaIssuedStore } from '../../src/db/issued-store.js';
import { PrismaLeaseStore } from '../../src/db/lease-store.js';
import { createOpenApiDocument } from '../../src/http/openapi.js';
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

const read = (couponId: number | string) => call(`${url}/api/v1/coupons/${couponId}`);

const mine = (userId: string, query = '') =>
  call(`${url}/api/v1/users/me/coupons${query}`, { headers: { 'x-user-id': userId } });

const listCoupons = (body: Record<string, unknown>) =>
  (body['coupons'] as { couponId: number; rank: number }[]).map(({ couponId }) => couponId);

/** What a worker does, in one step: everything of a partition goes to MySQL and out of the stream. */
async function drain(couponId: number): Promise<void> {
  const stream = streamKey(toPartition(couponId));
  const entries = await replica.redis.xrange(stream, '-', '+');
  const lease = await new PrismaLeaseStore(replica.prisma, 60_000).acquire('by-hand');
  const contents = entries.map(([, fields]) => parseIssuedEntry(fields));
  await new PrismaIssuedStore(replica.prisma).persist(
    contents.flatMap(({ rows }) => rows),
    lease,
  );
  const settled = entries.flatMap(([id], i) => [id, contents[i]!.couponId, contents[i]!.rows.length]);
  if (entries.length > 0)
    await replica.redis.settleEntries(
      stream,
      undrainedKey(toPartition(couponId)),
      CONSUMER_GROUP,
      ...settled,
    );
}

const countSelects = async (work: () => Promise<unknown>): Promise<number> => {
  const selects = async () => {
    const rows = await replica.prisma.$queryRaw<{ Value: string }[]>`SHOW GLOBAL STATUS LIKE 'Com_select'`;
    return Number(rows[0]!.Value);
  };
  const before = await selects();
  await work();
  return (await selects()) - before;
};

describe('a coupon', () => {
  it('shows its name, stock and window', async () => {
    const closesAt = new Date(Date.now() + 60_000).toISOString();
    const couponId = await createCampaign(url, { total: 2, closesAt });
    await issue(url, couponId, 'a');
    const { status, body } = await read(couponId);
    expect(status).toBe(200);
    expect(body).toEqual({
      couponId,
      name: 'Test',
      state: 'open',
      total: 2,
      remaining: 1,
      opensAt: expect.any(String),
      closesAt,
    });
  });

  it('is scheduled, open, sold out and ended in turn', async () => {
    const opensAt = new Date(Date.now() + 3_600_000).toISOString();
    const scheduled = await createCampaign(url, { total: 1, opensAt });
    expect((await read(scheduled)).body['state']).toBe('scheduled');
    const couponId = await createCampaign(url, { total: 1 });
    expect((await read(couponId)).body['state']).toBe('open');
    await issue(url, couponId, 'a');
    await until('it is sold out', async () => (await read(couponId)).body['state'] === 'soldOut');
    await admin(url, 'POST', `/${couponId}/close`);
    await until('it has ended', async () => (await read(couponId)).body['state'] === 'ended');
  });

  it('that a thousand users look at costs two queries, not a thousand', async () => {
    const couponId = await createCampaign(url, { total: 1 });
    const queries = await countSelects(async () => {
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => read(couponId)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    });
    // Two a second and replica: whether it exists, and what it is.
    expect(queries).toBeLessThan(20);
  });

  it('whose gate is shut is 503, and after its end MySQL knows', async () => {
    const couponId = await createCampaign(url, { total: 2 });
    await issue(url, couponId, 'a');
    await drain(couponId);
    await replica.redis.del(metaKey(couponId));
    const { status, body } = await read(couponId);
    expect([status, body['code']]).toEqual([503, 'not-ready']);
    await admin(url, 'POST', `/${couponId}/close`);
    const ended = await until('it has ended', async () => {
      const answer = await read(couponId);
      return answer.status === 200 && answer;
    });
    expect(ended.body).toMatchObject({ state: 'ended', total: 2, remaining: 1 });
  });

  it.each([
    ['999999', 404, 'unknown-coupon'],
    ['0', 400, 'invalid-coupon-id'],
    ['abc', 400, 'invalid-coupon-id'],
    ['%zz', 400, 'invalid-request'],
  ])('with the id %s is %i', async (id, status, code) => {
    const answer = await read(id);
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
  });

  it('is read with GET and HEAD only', async () => {
    const answer = await call(`${url}/api/v1/coupons/1`, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await call(`${url}/api/v1/coupons/1`, { method: 'HEAD' })).status).not.toBe(405);
  });
});

describe('my coupons', () => {
  it('are complete from the moment of the 200 on, before, while and after the worker has them', async () => {
    const first = await createCampaign(url, { total: 5 });
    const second = await createCampaign(url, { total: 5 });
    const won = await issue(url, first, 'own');
    const { rank, issuedAt } = won.body;
    expect((await mine('own')).body).toEqual({
      userId: 'own',
      coupons: [{ couponId: first, rank, issuedAt }],
      next: null,
    });
    await drain(first);
    expect((await mine('own')).body['coupons']).toEqual([{ couponId: first, rank, issuedAt }]);
    await issue(url, second, 'own');
    // Newest first, and nothing twice.
    expect(listCoupons((await mine('own')).body)).toEqual([second, first]);
  });

  it('are a page at a time', async () => {
    const ids: number[] = [];
    for (let i = 0; i < 5; i++) {
      ids.unshift(await createCampaign(url, { total: 5 }));
      await issue(url, ids[0]!, 'collector');
      if (i % 2 === 0) await drain(ids[0]!);
    }
    const seen: number[] = [];
    for (let after = ''; ;) {
      const { body } = await mine('collector', `?limit=2${after}`);
      seen.push(...listCoupons(body));
      if (body['next'] === null) break;
      after = `&after=${String(body['next'])}`;
    }
    expect(seen).toEqual(ids);
  });

  it('of somebody who has none are an empty list', async () => {
    expect((await mine('nobody')).body).toEqual({ userId: 'nobody', coupons: [], next: null });
  });

  it.each(['?limit=0', '?limit=101', '?after=x', '?after=424242', '?x=1'])(
    'with %s are 400',
    async (query) => {
      const answer = await mine('nobody', query);
      expect([answer.status, answer.body['code']]).toEqual([400, 'invalid-request']);
    },
  );

  it('need a user id', async () => {
    const answer = await call(`${url}/api/v1/users/me/coupons`);
    expect([answer.status, answer.body['code']]).toEqual([400, 'invalid-user-id']);
  });

  it('are 503 when MySQL cannot be asked: an incomplete list would be a lie', async () => {
    await backends.database.stop();
    try {
      const answer = await mine('own');
      expect([answer.status, answer.body['code'], answer.headers.get('retry-after')]).toEqual([
        503,
        'not-ready',
        '1',
      ]);
    } finally {
      await backends.database.start();
    }
    await until('it is back', async () => (await mine('own')).status === 200);
  });
});

describe('operations', () => {
  it('has liveness, readiness and metrics by outcome', async () => {
    expect((await call(`${url}/livez`)).status).toBe(200);
    expect((await call(`${url}/readyz`)).status).toBe(200);
    const couponId = await createCampaign(url, { total: 1 });
    await issue(url, couponId, 'a');
    await issue(url, couponId, 'b');
    const { body, headers } = await call(`${url}/metrics`);
    expect(headers.get('content-type')).toContain('text/plain');
    expect(body['text']).toMatch(/^coupon_answers_total\{outcome="issued"\} [1-9]/m);
    expect(body['text']).toMatch(/^coupon_answers_total\{outcome="soldOut"\} [1-9]/m);
    expect(body['text']).toMatch(/^coupon_batch_size_count [1-9]/m);
  });
});

describe('the documentation', () => {
  it('is a page of this server alone, under a policy that allows no other', async () => {
    const redirect = await call(`${url}/docs`);
    expect([redirect.status, redirect.headers.get('location')]).toEqual([308, '/docs/']);
    const page = await call(`${url}/docs/`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    const html = String(page.body['text']);
    expect(html).not.toMatch(/<script(?![^>]*src=)/);
    const assets = [...html.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(3);
    for (const path of assets) expect((await call(new URL(path, `${url}/docs/`).href)).status).toBe(200);
  });

  it('describes exactly the calls that the application takes', async () => {
    const { body } = await call(`${url}/docs/openapi.json`);
    expect(body).toEqual(JSON.parse(JSON.stringify(createOpenApiDocument())));
    const paths = body['paths'] as Record<string, Record<string, unknown>>;
    const described = Object.entries(paths).flatMap(([path, calls]) =>
      Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual([
      'GET /api/v1/admin/coupons',
      'GET /api/v1/admin/coupons/{couponId}',
      'GET /api/v1/coupons/{couponId}',
      'GET /api/v1/users/me/coupons',
      'PATCH /api/v1/admin/coupons/{couponId}',
      'POST /api/v1/admin/coupons',
      'POST /api/v1/admin/coupons/{couponId}/close',
      'POST /api/v1/coupons/call/{couponId}',
    ]);
    for (const line of described) {
      const [method, path] = line.split(' ') as [string, string];
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const { status, body: answer } = await call(url + path.replace('{couponId}', '1'), { method, headers });
      expect([line, status]).not.toEqual([line, 405]);
      expect([line, answer['code']]).not.toEqual([line, 'not-found']);
    }
  });
});
