import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { waitUntil } from '../../../common/wait-until.js';
import { startFrontDoor, type FrontDoor } from './front-door.js';
import { startReplica, type Replica } from './replicas.js';

const issue = '/api/v1/coupons/call/1';
const SLOW_BODY = `POST ${issue} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1`;
const HALF_HEADER = `POST ${issue} HTTP/1.1\r\nHost: a\r\nX-Half: `;
/** So few that a test can use them up: one worker, and connections to the replica count too. */
const FEW = { NGINX_WORKERS: '1', NGINX_WORKER_CONNECTIONS: '64' };

describe('connections of one address', () => {
  const open: (() => unknown)[] = [];

  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });

  async function startDoor(environment: Record<string, string>): Promise<FrontDoor & { replica: Replica }> {
    const replica = await startReplica((_request, response) => response.end('{}'));
    open.push(replica.close);
    const door = await startFrontDoor([replica.port], { NGINX_ISSUE_LIMIT: 'off', ...environment });
    open.push(door.stop);
    return { ...door, replica };
  }

  /** Connections that send this and no more. */
  async function hold(door: FrontDoor, count: number, text: string): Promise<Socket[]> {
    const sockets = Array.from({ length: count }, () => connect({ port: door.frontPort, host: '127.0.0.1' }));
    for (const socket of sockets) {
      open.push(() => socket.destroy());
      socket.on('error', () => undefined).resume();
    }
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) if (text) socket.write(text);
    return sockets;
  }

  const post = (door: FrontDoor) => fetch(door.url + issue, { method: 'POST' });

  /** Of a call on a connection of its own; 0: no answer within a second, which is less than the header timeout below. */
  function statusOf(door: FrontDoor): Promise<number> {
    return new Promise((resolve) => {
      const call = request(door.url + issue, { method: 'POST', agent: false }, (answer) => {
        answer.resume().once('close', () => resolve(answer.statusCode ?? 0));
      });
      call.setTimeout(1_000, () => call.destroy());
      call.once('error', () => resolve(0)).end();
    });
  }

  const becomes = (door: FrontDoor, status: number, what: string) =>
    waitUntil(async () => (await statusOf(door)) === status, { what, timeoutMs: 15_000, intervalMs: 20 });

  test('with a request under way are bounded: one more is 429 with Retry-After, and when they end, 200', async () => {
    const door = await startDoor({ NGINX_CONNECTION_LIMIT: 'all', NGINX_CONNECTIONS_PER_ADDRESS: '3' });
    const held: Socket[] = [];
    // Again and again: on a busy machine nginx may have given up on the first bodies by the time a call comes through.
    const isRefused = async () => {
      held.push(...(await hold(door, 3, SLOW_BODY)));
      return (await statusOf(door)) === 429;
    };
    await waitUntil(isRefused, { what: 'three slow bodies use up the limit', timeoutMs: 30_000 });
    const refused = await post(door);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ status: 429, code: 'too-many-requests' });
    for (const socket of held) socket.destroy();
    await becomes(door, 200, 'there is room again');
  });

  test('are not counted by default when they come from this machine, as load tests do', async () => {
    const door = await startDoor({ NGINX_CONNECTIONS_PER_ADDRESS: '3' });
    await hold(door, 10, SLOW_BODY);
    const status = async () => await (await fetch(`${door.opsUrl}/stub_status`)).text();
    const active = async () => Number(/^Active connections: (\d+)/.exec(await status())?.[1]);
    await waitUntil(async () => (await active()) > 10, { what: 'nginx has all ten', timeoutMs: 10_000 });
    expect(await statusOf(door)).toBe(200);
  });

  test('that never send anything keep nobody out, however many they are', async () => {
    const door = await startDoor(FEW);
    await hold(door, 200, '');
    for (let calls = 0; calls < 20; calls += 1) expect(await statusOf(door)).toBe(200);
  });

  test('that send half a header, and go on byte by byte, are gone after the header timeout', async () => {
    const door = await startDoor({ ...FEW, NGINX_HEADER_TIMEOUT: '2s' });
    const sockets: Socket[] = [];
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('x');
    }, 100);
    open.push(() => clearInterval(drip));
    const keepOut = async () => {
      sockets.push(...(await hold(door, 20, HALF_HEADER)));
      return (await statusOf(door)) === 0;
    };
    await waitUntil(keepOut, { what: 'they keep others out', timeoutMs: 15_000, intervalMs: 0 });
    await becomes(door, 200, 'others are served again');
    const left = () => sockets.filter((socket) => !socket.closed).length;
    await waitUntil(() => left() === 0, { what: 'all of them are closed', timeoutMs: 20_000 });
  });
});
