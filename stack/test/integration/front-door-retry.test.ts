import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '../../../common/wait-until.js';
import { startFrontDoor, type FrontDoor } from './front-door.js';
import { deadPort, startReplica, type Replica } from './replicas.js';

const issue = '/api/v1/coupons/call/1';
const works: RequestListener = (_request, response) => response.end('{"rank":1}');
const diesInMidAnswer: RequestListener = (request) => request.socket.destroy();
const hangs: RequestListener = () => undefined;

describe('when a replica fails, the front door', () => {
  const open: (() => Promise<void>)[] = [];

  const replica = async (answer: RequestListener): Promise<Replica> => {
    const started = await startReplica(answer);
    open.push(started.close);
    return started;
  };
  const frontDoor = async (ports: number[], environment?: Record<string, string>): Promise<FrontDoor> => {
    const started = await startFrontDoor(ports, { NGINX_ISSUE_LIMIT: 'off', ...environment });
    open.push(started.stop);
    return started;
  };
  const post = (url: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', headers: { 'x-user-id': '1', ...headers } });

  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  test('sends the issue call to others with the same attempt key, and the client sees one 200', async () => {
    // More of them than the front door has passes: one try in each would not reach the good one.
    const bad = await Promise.all(Array.from({ length: 5 }, () => replica(diesInMidAnswer)));
    const good = await replica(works);
    const { url } = await frontDoor([...bad, good].map(({ port }) => port));
    for (let user = 0; user < 10; user += 1) expect((await post(url + issue)).status).toBe(200);
    const keysAtBad = bad.flatMap(({ requests }) => requests).map(({ headers }) => headers['x-request-id']);
    const keysAtGood = good.requests.map(({ headers }) => headers['x-request-id']);
    expect(keysAtBad.length).toBeGreaterThan(0);
    expect(keysAtGood).toHaveLength(10);
    expect(new Set(keysAtGood).size).toBe(10);
    for (const key of keysAtBad) expect(keysAtGood).toContain(key);
  });

  test('tries all of them again when every try failed, with the same attempt key', async () => {
    let calls = 0;
    const flaky = await replica((request, response) => {
      calls += 1;
      if (calls === 1) request.socket.destroy();
      else works(request, response);
    });
    const { url, accessLog } = await frontDoor([flaky.port]);
    const answer = await post(url + issue);
    expect(answer.status).toBe(200);
    const keys = flaky.requests.map(({ headers }) => headers['x-request-id']);
    expect(keys).toHaveLength(2);
    expect(new Set(keys)).toEqual(new Set([answer.headers.get('x-request-id')]));
    const logged = () => readFileSync(accessLog, 'utf8').includes('"upstreamStatus":"502 : 200"');
    await waitUntil(logged, { what: 'the access log shows both passes', timeoutMs: 5_000 });
  });

  test('gives up one that hangs after the read timeout and asks another', async () => {
    const [hung, good] = [await replica(hangs), await replica(works)];
    const timeouts = { NGINX_ISSUE_READ_TIMEOUT: '300ms', NGINX_ISSUE_RETRY_TIMEOUT: '500ms' };
    const { url } = await frontDoor([hung.port, good.port], timeouts);
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(url + issue)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(hung.requests.length).toBeGreaterThan(0);
  });

  test('does not ask one that hangs a second time in the pass after', async () => {
    const hung = await replica(hangs);
    // Not at once, so that the calls are shared out.
    const good = await replica((_request, response) => setTimeout(() => response.end('{"rank":1}'), 300));
    // No try begins after the first one timed out: another pass does.
    const timeouts = { NGINX_ISSUE_READ_TIMEOUT: '900ms', NGINX_ISSUE_RETRY_TIMEOUT: '600ms' };
    const { url } = await frontDoor([hung.port, good.port], timeouts);
    const answers = await Promise.all(Array.from({ length: 60 }, () => post(url + issue)));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    const asked = hung.requests.map(({ headers }) => headers['x-request-id']);
    expect(asked.length).toBeGreaterThan(20);
    expect(new Set(asked).size).toBe(asked.length);
  });

  test('does not ask another one about a 503: its cause is shared', async () => {
    const busy: RequestListener = (_request, response) =>
      response.writeHead(503, { 'retry-after': '1' }).end('{}');
    const replicas = [await replica(busy), await replica(busy)];
    const { url } = await frontDoor(replicas.map(({ port }) => port));
    expect((await post(url + issue)).status).toBe(503);
    expect(replicas.flatMap(({ requests }) => requests)).toHaveLength(1);
  });

  test('answers 503 with Retry-After as a problem when none is there', async () => {
    const { url } = await frontDoor([await deadPort(), await deadPort()]);
    const answer = await post(url + issue);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toMatchObject({ status: 503, code: 'unavailable' });
  });

  test('does not send an admin call again once a replica has it', async () => {
    const replicas = [await replica(diesInMidAnswer), await replica(diesInMidAnswer)];
    const { opsUrl } = await frontDoor(replicas.map(({ port }) => port));
    const answer = await fetch(`${opsUrl}/api/v1/admin/coupons`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(503);
    expect(replicas.flatMap(({ requests }) => requests)).toHaveLength(1);
  });

  test('reads are asked again of another one', async () => {
    const [bad, good] = [await replica(diesInMidAnswer), await replica(works)];
    const { url } = await frontDoor([bad.port, good.port]);
    for (let read = 0; read < 4; read += 1) expect((await fetch(`${url}/api/v1/coupons/1`)).status).toBe(200);
    expect(bad.requests.length).toBeGreaterThan(0);
  });
});
