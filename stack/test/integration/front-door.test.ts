import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFrontDoor, type FrontDoor } from './front-door.js';
import { until } from '../../../api/test/support/servers.js';
import { callRaw } from './raw-call.js';
import { startReplica, type Replica } from './replicas.js';

const issue = '/api/v1/coupons/call/1';

describe('the front door', () => {
  let replica: Replica;
  let door: FrontDoor;

  beforeAll(async () => {
    replica = await startReplica((request, response) => {
      response.setHeader('x-content-type-options', 'nosniff');
      if (request.url?.startsWith('/api/v1/coupons/77'))
        response.setHeader('cache-control', 'public, max-age=1');
      request.resume().on('end', () => response.end('{"ok":true}'));
    });
    door = await startFrontDoor([replica.port], {
      NGINX_ISSUE_RATE: '1r/m',
      NGINX_ISSUE_BURST: '2',
      NGINX_READ_RATE: '1r/m',
      NGINX_READ_BURST: '2',
    });
  });

  afterAll(async () => {
    await door.stop();
    await replica.close();
  });

  const post = (path: string, init: RequestInit = {}) => fetch(door.url + path, { method: 'POST', ...init });
  const lastRequest = () => replica.requests.at(-1)!;

  const problem = async (answer: Response) => {
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
    const body = (await answer.json()) as Record<string, unknown>;
    expect(body).toMatchObject({ status: answer.status, type: `urn:coupon-rush:problem:${body['code']}` });
    expect(body['title']).toEqual(expect.any(String));
    expect(body['detail']).toEqual(expect.any(String));
    return body['code'];
  };

  test('sets the request id itself, returns it, and passes the attempt key through', async () => {
    const headers = { 'x-user-id': 'a', 'x-request-id': 'forged', 'idempotency-key': 'mine' };
    const answer = await post(issue, { headers });
    const id = answer.headers.get('x-request-id');
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(lastRequest().headers).toMatchObject({
      'x-request-id': id,
      'idempotency-key': 'mine',
      'x-user-id': 'a',
    });
  });

  test('replaces what a client says about where it comes from', async () => {
    await post(issue, { headers: { 'x-forwarded-for': '1.2.3.4' } });
    expect(lastRequest().headers['x-forwarded-for']).toBe('127.0.0.1');
  });

  test('drops the body of an issue call', async () => {
    expect((await post(issue, { body: 'x'.repeat(16_000) })).status).toBe(200);
    expect(lastRequest().headers).not.toHaveProperty('content-length');
    expect(lastRequest().headers).not.toHaveProperty('transfer-encoding');
  });

  test('asks a replica once a second for a campaign, however many look, and says how old the answer is', async () => {
    const path = '/api/v1/coupons/77';
    const asked = () => replica.requests.filter((request) => request.path.startsWith(path)).length;
    const look = (query = '') => fetch(`${door.url}${path}${query}`);
    const startMs = performance.now();
    const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => look(`?nobody=${i}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { headers } = await look();
    const seconds = Math.ceil((performance.now() - startMs) / 1_000);
    expect(asked()).toBeLessThanOrEqual(seconds + 1);
    expect(headers.get('cache-control')).toBe('public, max-age=1');
    const shown = headers.get('date');
    await until('it is asked again', async () => {
      await look();
      return asked() > seconds + 1 || (await look()).headers.get('date') !== shown;
    });
    // One's own coupons are nobody else's.
    await fetch(`${door.url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': 'first' } });
    await fetch(`${door.url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': 'second' } });
    expect(lastRequest().headers['x-user-id']).toBe('second');
  });

  test('shows what may not be kept to nobody else', async () => {
    const path = '/api/v1/coupons/78';
    const asked = () => replica.requests.filter((request) => request.path === path).length;
    for (let i = 0; i < 3; i += 1) await fetch(door.url + path);
    expect(asked()).toBe(3);
  });

  test('repeats no security header that a replica sends too', async () => {
    const answer = await fetch(`${door.url}/api/v1/coupons/1`);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('server')).toBe('nginx');
  });

  test.each(['/api/v1/coupons/1', '/api/v1/users/me/coupons', '/docs', '/docs/x.css'])(
    'lets %s through',
    async (path) => {
      expect((await fetch(door.url + path)).status).toBe(200);
      expect(lastRequest().path).toBe(path);
    },
  );

  test.each([
    '/',
    '/metrics',
    '/livez',
    '/readyz',
    '/stub_status',
    '/api/v1/admin/coupons',
    '/api/v1/coupons',
    '/_problem',
  ])('does not know %s', async (path) => {
    const before = replica.requests.length;
    const answer = await fetch(door.url + path);
    expect(answer.status).toBe(404);
    expect(await problem(answer)).toBe('not-found');
    expect(replica.requests).toHaveLength(before);
  });

  test.each([
    ['GET', issue, 'POST'],
    ['PUT', issue, 'POST'],
    ['POST', '/api/v1/coupons/1', 'GET, HEAD'],
    ['DELETE', '/docs', 'GET, HEAD'],
  ])('%s %s is 405 and says what is allowed', async (method, path, allow) => {
    const answer = await fetch(door.url + path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
    expect(await problem(answer)).toBe('method-not-allowed');
  });

  test('a body above 16 KiB is 413', async () => {
    const answer = await post(issue, { body: 'x'.repeat(17_000) });
    expect(answer.status).toBe(413);
    expect(await problem(answer)).toBe('payload-too-large');
  });

  test.each([
    ['a request line that is none', 'BLURB\r\n\r\n', 400, 'invalid-request'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'invalid-request'],
    [
      'an address of 10,000 characters',
      `GET /${'x'.repeat(10_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      414,
      'uri-too-long',
    ],
    [
      'a header of 10,000',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    ['a version of HTTP to come', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', 400, 'invalid-request'],
    [
      'an unknown transfer coding',
      `POST ${issue} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13\r\nConnection: close\r\n\r\n`,
      400,
      'invalid-request',
    ],
  ])('%s is answered with a problem', async (_title, request, status, code) => {
    const answer = await callRaw(door.frontPort, request);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code });
  });

  test("one user's tries beyond the burst are 429 with Retry-After, and another user is not affected", async () => {
    const as = (user: string) => post(issue, { headers: { 'x-user-id': user } });
    const statuses = [];
    for (let tries = 0; tries < 4; tries += 1) statuses.push((await as('greedy')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await as('greedy');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await problem(refused)).toBe('too-many-requests');
    expect((await as('modest')).status).toBe(200);
  });

  test("one user's reads beyond the burst are 429 and take no try away, and another user is not affected", async () => {
    const readAs = (user: string) =>
      fetch(`${door.url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': user } });
    const statuses = [];
    for (let reads = 0; reads < 4; reads += 1) statuses.push((await readAs('curious')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await post(issue, { headers: { 'x-user-id': 'curious' } })).status).toBe(200);
    expect((await readAs('another')).status).toBe(200);
  });

  test('reads of all users together beyond their burst are 429, and none of them loses a try', async () => {
    const narrow = await startFrontDoor([replica.port], { NGINX_READS_RATE: '1r/m', NGINX_READS_BURST: '2' });
    try {
      const statuses = [];
      for (const user of ['a', 'b', 'c', 'd']) {
        const read = await fetch(`${narrow.url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': user } });
        statuses.push(read.status);
      }
      expect(statuses).toEqual([200, 200, 200, 429]);
      const own = await fetch(narrow.url + issue, { method: 'POST', headers: { 'x-user-id': 'd' } });
      expect(own.status).toBe(200);
    } finally {
      await narrow.stop();
    }
  });

  test('admin and counters are behind the ops door', async () => {
    expect((await fetch(`${door.opsUrl}/api/v1/admin/coupons`)).status).toBe(200);
    expect(await (await fetch(`${door.opsUrl}/stub_status`)).text()).toContain('Active connections');
    const answer = await fetch(`${door.opsUrl}${issue}`, { method: 'POST' });
    expect(answer.status).toBe(404);
    expect(await problem(answer)).toBe('not-found');
  });
});
