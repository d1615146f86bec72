import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { winnersKey } from '../../src/redis/keys.js';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
let replica: Replica;
let couponId: number;
let keys: number;

beforeAll(async () => {
  backends = await startBackends();
  replica = await startReplica(backends.env);
  couponId = await createCampaign(replica.url, { total: 1_000 });
});

beforeEach(async () => {
  keys = await replica.redis.dbsize();
});

afterAll(async () => {
  await replica.close();
  await backends.remove();
});

interface RawAnswer {
  status: number;
  head: string;
  body: Record<string, unknown>;
}

/** Exactly these bytes, so that nothing on the client's side makes them decent. Reads until the server closes. */
async function sendRaw(text: string): Promise<RawAnswer> {
  const socket = connect(replica.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await once(socket, 'close');
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(/^HTTP\/1.1 (\d+)/.exec(head)?.[1]), head, body: body ? JSON.parse(body) : {} };
}

const post = (path: string, headers: string[] = []) =>
  sendRaw([`POST ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n'));

const postIssue = (headers: string[]) => post(`/api/v1/coupons/call/${couponId}`, headers);

async function expectNothingWritten(): Promise<void> {
  expect(await replica.redis.exists(winnersKey(couponId))).toBe(0);
  expect(await replica.redis.dbsize()).toBe(keys);
}

const expectProblem = ({ status, head, body }: RawAnswer, wanted: number, code: string) => {
  expect([status, body['status'], body['code']]).toEqual([wanted, wanted, code]);
  expect(body['type']).toBe(`urn:coupon-rush:problem:${code}`);
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
};

describe('a user id', () => {
  it.each([
    ['missing', []],
    ['empty', ['X-USER-ID:']],
    ['blank', ['X-USER-ID:    ']],
    ['of 65 characters', [`X-USER-ID: ${'a'.repeat(65)}`]],
    ['with a tab', ['X-USER-ID: a\tb']],
    ['with a byte beyond ASCII', ['X-USER-ID: \xfc']],
    ['with a UTF-8 letter', [`X-USER-ID: ${Buffer.from('ü').toString('latin1')}`]],
    ['sent twice', ['X-USER-ID: a', 'X-USER-ID: b']],
    ['sent twice, once empty', ['X-USER-ID: a', 'x-user-id:']],
  ])('%s is 400 invalid-user-id and nothing is written', async (_what, headers) => {
    expectProblem(await postIssue(headers), 400, 'invalid-user-id');
    await expectNothingWritten();
  });

  it.each(['\x01', '\x7f', '\0'])(
    'with a control character is 400 and nothing is written',
    async (character) => {
      expectProblem(await postIssue([`X-USER-ID: a${character}b`]), 400, 'invalid-request');
      await expectNothingWritten();
    },
  );

  it.each([
    ['of 64 characters', 'a'.repeat(64)],
    ['with a comma and a space', 'a, b'],
    ['with every kind of printable character', '~!@#$%^&*()_+{}|:"<>?`-=[]\\;\',./'],
  ])('%s is taken as it is', async (_what, userId) => {
    const other = await createCampaign(replica.url, { total: 10 });
    const answer = await post(`/api/v1/coupons/call/${other}`, [`X-USER-ID: ${userId}`]);
    expect([answer.status, answer.body['userId']]).toEqual([200, userId]);
  });
});

describe('a coupon id', () => {
  it.each([
    ...['0', '-1', '+1', '1.5', '1e3', '0x1', '01', 'abc', '%00', '1%00', '%20', '%EF%BC%91', '1,2', 'null'],
    ...['9007199254740992', '99999999999999999999', '9'.repeat(300)],
  ])('%s is 400 invalid-coupon-id and nothing is written', async (id) => {
    expectProblem(await post(`/api/v1/coupons/call/${id}`, ['X-USER-ID: a']), 400, 'invalid-coupon-id');
    await expectNothingWritten();
  });

  it.each(['%zz', '%', '1%', '%e0%a4%a', '%ff'])(
    '%s, which cannot be decoded, is 400 and nothing is written',
    async (id) => {
      expectProblem(await post(`/api/v1/coupons/call/${id}`, ['X-USER-ID: a']), 400, 'invalid-request');
      await expectNothingWritten();
    },
  );

  it('followed by something else is 404', async () => {
    expectProblem(await post('/api/v1/coupons/call/1/2', ['X-USER-ID: a']), 404, 'not-found');
  });

  it('of Number.MAX_SAFE_INTEGER is unknown, not malformed', async () => {
    expectProblem(
      await post('/api/v1/coupons/call/9007199254740991', ['X-USER-ID: a']),
      404,
      'unknown-coupon',
    );
  });
});

describe('an attempt key', () => {
  it.each([
    ['empty', ['Idempotency-Key:']],
    ['of 256 characters', [`Idempotency-Key: ${'k'.repeat(256)}`]],
    ['not printable', ['Idempotency-Key: \xfc']],
    ['sent twice', ['Idempotency-Key: a', 'Idempotency-Key: b']],
  ])('%s is 400 invalid-idempotency-key and nothing is written', async (_what, headers) => {
    expectProblem(await postIssue(['X-USER-ID: a', ...headers]), 400, 'invalid-idempotency-key');
    await expectNothingWritten();
  });
});

describe('a method', () => {
  it.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    '%s on the issue call is 405 with Allow',
    async (method) => {
      const answer = await sendRaw(
        `${method} /api/v1/coupons/call/${couponId} HTTP/1.1\r\nHost: x\r\nX-USER-ID: a\r\nConnection: close\r\n\r\n`,
      );
      expectProblem(answer, 405, 'method-not-allowed');
      expect(answer.head).toContain('\r\nallow: POST');
      await expectNothingWritten();
    },
  );

  it('HEAD on the issue call is 405 without a body', async () => {
    const answer = await sendRaw(
      `HEAD /api/v1/coupons/call/${couponId} HTTP/1.1\r\nHost: x\r\nX-USER-ID: a\r\nConnection: close\r\n\r\n`,
    );
    expect([answer.status, answer.body]).toEqual([405, {}]);
    await expectNothingWritten();
  });

  it('that nobody knows is 400', async () => {
    expectProblem(await sendRaw('FOO / HTTP/1.1\r\nHost: x\r\n\r\n'), 400, 'invalid-request');
  });
});

describe('headers', () => {
  it('that are too large are 431 and nothing is written', async () => {
    const answer = await postIssue(['X-USER-ID: a', `X-Filler: ${'x'.repeat(20_000)}`]);
    expectProblem(answer, 431, 'headers-too-large');
    await expectNothingWritten();
  });

  it('that are garbage are 400', async () => {
    expectProblem(await sendRaw('not http at all\r\n\r\n'), 400, 'invalid-request');
  });

  it('that say two different lengths are 400: requests cannot be smuggled', async () => {
    const answer = await postIssue(['X-USER-ID: a', 'Content-Length: 5', 'Transfer-Encoding: chunked']);
    expectProblem(answer, 400, 'invalid-request');
    await expectNothingWritten();
  });
});

describe('a body on the issue call', () => {
  it('is ignored, also when it is not the JSON it says it is', async () => {
    const other = await createCampaign(replica.url, { total: 10 });
    const response = await fetch(`${replica.url}/api/v1/coupons/call/${other}`, {
      method: 'POST',
      headers: { 'x-user-id': 'a', 'content-type': 'application/json' },
      body: '{"broken',
    });
    expect(response.status).toBe(200);
    await response.text();
    expect((await issue(replica.url, other, 'b')).status).toBe(200);
  });

  it.each([
    ['a broken body', 'Transfer-Encoding: chunked\r\n\r\nZZZ'],
    ['garbage behind the request', 'X: y\r\n\r\ngarbage\r\n\r\n'],
  ])('with %s does not hide that a coupon was issued', async (_what, rest) => {
    const other = await createCampaign(replica.url, { total: 10 });
    const answer = await sendRaw(
      `POST /api/v1/coupons/call/${other} HTTP/1.1\r\nHost: x\r\nX-USER-ID: odd\r\n${rest}`,
    );
    expect([answer.status, answer.body['rank']]).toEqual([200, 1]);
    expect(answer.head).toContain('Connection: close');
  });

  it('of any size is answered before it is read, and never kept in memory', async () => {
    const other = await createCampaign(replica.url, { total: 10 });
    const before = process.memoryUsage().arrayBuffers;
    const socket = connect(replica.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const length = 64 * 1024 * 1024;
    socket.write(
      `POST /api/v1/coupons/call/${other} HTTP/1.1\r\nHost: x\r\nX-USER-ID: big\r\nContent-Length: ${length}\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('HTTP/1.1 200');
    const chunk = Buffer.alloc(1024 * 1024);
    let peak = 0;
    for (let sent = 0; sent < length && !socket.destroyed; sent += chunk.length) {
      if (!socket.write(chunk))
        await until('it was read', () => socket.destroyed || !socket.writableNeedDrain);
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }
    expect(peak).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
  });
});

describe('an address that does not exist', () => {
  it.each(['/', '/api/v1', '/api/v1/coupons', '/favicon.ico', '/../etc/passwd', '/api//v1'])(
    '%s is 404',
    async (path) => {
      expectProblem(
        await sendRaw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        404,
        'not-found',
      );
    },
  );
});
