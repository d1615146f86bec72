import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { PROBLEMS, problemBody } from '../../../api/src/http/problem.js';
import { waitUntil } from '../../../common/wait-until.js';
import { startFrontDoor, type FrontDoor } from './front-door.js';
import { startReplica, type Replica } from './replicas.js';

const issue = '/api/v1/coupons/call/1';
const BOUND = 4;

/** The ten seconds of nginx's clock that a note is for: the machine's, here. */
const periodNow = () => Math.floor(Date.now() / 10_000);

/** A note must not end in the middle of a test. */
const untilEarlyInPeriod = () =>
  waitUntil(() => Date.now() % 10_000 < 5_000, { what: 'a new period begins', timeoutMs: 6_000 });
const untilLateInPeriod = () =>
  waitUntil(() => Date.now() % 10_000 > 9_000, { what: 'a period ends soon', timeoutMs: 10_000 });

describe('when replicas are overloaded, the front door', () => {
  const open: (() => Promise<void>)[] = [];
  /** Calls that a replica holds until it is told to answer. */
  const held: ServerResponse[] = [];
  let door: FrontDoor;
  let replicas: Replica[];

  const start = async (...answers: RequestListener[]): Promise<void> => {
    replicas = [];
    for (const answer of answers) {
      const replica = await startReplica(answer);
      open.push(replica.close);
      replicas.push(replica);
    }
    door = await startFrontDoor(
      replicas.map(({ port }) => port),
      { NGINX_ISSUE_LIMIT: 'off', NGINX_ISSUE_BOUND: String(BOUND) },
    );
    open.push(door.stop);
  };
  afterEach(async () => {
    held.splice(0);
    for (const close of open.splice(0).reverse()) await close();
  });

  const post = (headers: Record<string, string> = {}) =>
    fetch(door.url + issue, { method: 'POST', headers: { 'x-user-id': '1', ...headers } });
  const hold: RequestListener = (_request, response) => void held.push(response);
  const refuse = (response: ServerResponse) =>
    response.writeHead(503, { 'x-accel-redirect': `/_overloaded/${periodNow()}`, 'retry-after': '1' }).end();
  const asked = () => replicas.flatMap(({ requests }) => requests);
  const answerHeld = (status: number, headers: Record<string, string> = {}) => {
    for (const response of held.splice(0)) response.writeHead(status, headers).end(`{"status":${status}}`);
  };

  /** A replica with all its calls in hand, and a note. */
  const fill = async (): Promise<Promise<Response>[]> => {
    await untilEarlyInPeriod();
    let refused = false;
    await start((request, response) => {
      if (refused || request.headers['x-issue-bound']) return hold(request, response);
      refused = true;
      refuse(response);
    });
    const within = Array.from({ length: BOUND }, () => post());
    await waitUntil(() => held.length === BOUND, { what: 'the bound is full', timeoutMs: 5_000 });
    expect((await post()).status).toBe(503);
    return within;
  };

  test('serves any number beyond the bound while no replica refuses', async () => {
    await start(hold);
    const calls = Array.from({ length: 10 * BOUND }, () => post());
    await waitUntil(() => held.length === 10 * BOUND, { what: 'all calls arrive', timeoutMs: 5_000 });
    const bounds = asked().map(({ headers }) => headers['x-issue-bound']);
    expect(bounds.filter((bound) => bound === String(BOUND))).toHaveLength(BOUND);
    expect(bounds.filter((bound) => bound === undefined)).toHaveLength(9 * BOUND);
    answerHeld(200);
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(10 * BOUND).fill(200));
  });

  test('refuses by itself what goes beyond the bound, and nothing else', async () => {
    const within = await fill();
    const askedBefore = asked().length;
    const refusals = await Promise.all(Array.from({ length: 20 }, () => post()));
    for (const answer of refusals) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('retry-after')).toMatch(/^[123]$/);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(await answer.text()).toBe(problemBody('overloaded'));
    }
    // Each answer has the id of its own request, and users are not all told to come back together.
    expect(new Set(refusals.map(({ headers }) => headers.get('x-request-id'))).size).toBe(20);
    expect(new Set(refusals.map(({ headers }) => headers.get('retry-after'))).size).toBeGreaterThan(1);
    expect(asked()).toHaveLength(askedBefore);
    answerHeld(200);
    expect((await Promise.all(within)).map(({ status }) => status)).toEqual(Array(BOUND).fill(200));
    // With a place free, a call is served although the note is still there.
    const next = post();
    await waitUntil(() => held.length === 1, { what: 'the call arrives', timeoutMs: 5_000 });
    answerHeld(200);
    expect((await next).status).toBe(200);
  });

  test('the refusal of a replica reaches its client as a problem, and is not asked of another replica', async () => {
    await untilEarlyInPeriod();
    const busy: RequestListener = (_request, response) => void refuse(response);
    await start(busy, busy);
    const answer = await post();
    expect([answer.status, await answer.json()]).toEqual([503, JSON.parse(problemBody('overloaded'))]);
    expect(answer.headers.get('retry-after')).toMatch(/^[123]$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(asked()).toHaveLength(1);
  });

  test.each([200, 409, 410, 503])('never answers a call with the %i of another one', async (status) => {
    await start(hold);
    // Headers that would make a cache keep the answer.
    const tempting = { 'cache-control': 'public, max-age=60', 'x-accel-expires': '60', etag: '"1"' };
    for (let round = 1; round <= 3; round += 1) {
      const calls = Array.from({ length: 3 * BOUND }, () => post());
      await waitUntil(() => held.length === 3 * BOUND, { what: 'all calls arrive', timeoutMs: 5_000 });
      expect(asked()).toHaveLength(3 * BOUND * round);
      answerHeld(status, tempting);
      for (const answer of await Promise.all(calls)) expect(answer.status).toBe(status);
    }
  });

  test('goes on asking for a call that a replica may have decided already', async () => {
    await fill();
    // One within the bound breaks; its second pass finds the bound full and the note, and is passed on all the same.
    const [first] = held.splice(0, 1);
    const askedBefore = asked().length;
    first!.socket!.destroy();
    await waitUntil(() => asked().length > askedBefore, { what: 'the call is passed on', timeoutMs: 5_000 });
    expect(asked().at(-1)!.headers['x-request-id']).toBe(first!.req.headers['x-request-id']);
    answerHeld(200);
  });

  test('refuses a call that was reset beyond the bound by a note that is younger than the call', async () => {
    let isOverloaded = false;
    await start((request, response) => {
      if (isOverloaded && !request.headers['x-issue-bound']) refuse(response);
      else hold(request, response);
    });
    await untilLateInPeriod();
    const within = Array.from({ length: BOUND }, () => post());
    await waitUntil(() => held.length === BOUND, { what: 'the bound is full', timeoutMs: 5_000 });
    const waiting = post();
    await waitUntil(() => held.length === BOUND + 1, { what: 'one waits beyond it', timeoutMs: 5_000 });
    const [reset] = held.splice(BOUND, 1);
    await untilEarlyInPeriod();
    isOverloaded = true;
    expect((await post()).status).toBe(503);
    const askedBefore = asked().length;
    reset!.socket!.destroy();
    const answer = await waiting;
    expect([answer.status, await answer.text()]).toEqual([503, problemBody('overloaded')]);
    expect(asked()).toHaveLength(askedBefore);
    answerHeld(200);
    await Promise.all(within);
  });

  test.each(['within', 'beyond'])(
    'tells a replica at once that a client %s the bound has left',
    async (place) => {
      let gone = 0;
      await start((request, response) => {
        response.on('close', () => (gone += response.writableFinished ? 0 : 1));
        hold(request, response);
      });
      if (place === 'beyond') for (let i = 0; i < BOUND; i += 1) void post().catch(() => undefined);
      await waitUntil(() => held.length === (place === 'beyond' ? BOUND : 0), {
        what: 'calls',
        timeoutMs: 5_000,
      });
      const socket = connect({ port: door.frontPort, host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.write(`POST ${issue} HTTP/1.1\r\nHost: x\r\nX-USER-ID: 1\r\n\r\n`);
      await waitUntil(() => held.length > (place === 'beyond' ? BOUND : 0), { what: 'it', timeoutMs: 5_000 });
      socket.destroy();
      await waitUntil(() => gone === 1, { what: 'the replica hears of it', timeoutMs: 5_000 });
      answerHeld(200);
    },
  );

  test('still asks for calls that were reset by so many that every replica is marked as failed', async () => {
    let resets = 0;
    const answer: RequestListener = (request, response) => {
      if (request.headers['x-issue-bound']) return hold(request, response);
      if (++resets <= 40) return void request.socket.destroy();
      response.end('{"status":200}');
    };
    await start(answer, answer);
    const within = Array.from({ length: 2 * BOUND }, () => post());
    await waitUntil(() => held.length === 2 * BOUND, { what: 'the bounds are full', timeoutMs: 5_000 });
    const beyond = await Promise.all(Array.from({ length: 40 }, () => post()));
    expect(beyond.map(({ status }) => status)).toEqual(Array(40).fill(200));
    answerHeld(200);
    await Promise.all(within);
  });

  test('says itself when it got a call, and which calls are within the bound', async () => {
    await start((_request, response) => response.end('{}'));
    const before = Date.now();
    await post({ 'x-request-start': 't=1.000', 'x-issue-bound': '9999' });
    const { headers } = asked()[0]!;
    expect(headers['x-request-start']).toMatch(/^t=\d+\.\d{3}$/);
    // nginx keeps the time of its last look at the clock.
    expect(Number(String(headers['x-request-start']).slice(2)) * 1_000).toBeGreaterThan(before - 1_000);
    expect(headers['x-issue-bound']).toBe(String(BOUND));
  });

  test('has no address under which clients could leave a note', async () => {
    await start((_request, response) => response.end('{}'));
    expect((await fetch(`${door.url}/_overloaded/${periodNow()}`)).status).toBe(404);
    expect((await fetch(`${door.url}/overloaded`)).status).toBe(404);
  });

  test('uses the words of the api', async () => {
    await start((_request, response) => response.end('{}'));
    const answer = await fetch(`${door.opsUrl}/overloaded`);
    expect(answer.status).toBe(PROBLEMS.overloaded[0]);
    expect(await answer.text()).toBe(problemBody('overloaded'));
  });

  test('writes which calls it refused into the access log', async () => {
    await fill();
    await post();
    const refusedHere = () =>
      readFileSync(door.accessLog, 'utf8').includes(
        '"status":503,"bytes":' + problemBody('overloaded').length,
      ) && readFileSync(door.accessLog, 'utf8').includes('"upstream":"api_bounded"');
    await waitUntil(refusedHere, { what: 'the line is written', timeoutMs: 5_000 });
    answerHeld(200);
  });
});
