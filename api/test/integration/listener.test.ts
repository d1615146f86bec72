import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitUntil } from '../../../common/wait-until.js';
import { Listener } from '../../src/http/listener.js';

/** Opens connections in another thread. */
const CLIENTS = `
  const { connect } = require('node:net');
  const { parentPort, workerData: { port, count, connected } } = require('node:worker_threads');
  const ends = [];
  for (let i = 0; i < count; i += 1) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => { Atomics.add(connected, 0, 1); Atomics.notify(connected, 0); });
    socket.once('error', ({ code }) => { if (ends.push(code) === count) parentPort.postMessage(ends); });
  }
`;

/**
 * Returns when the kernel has the connections and this thread had no turn of its event loop to take them.
 * Resolves with the errors by which they end.
 */
function connectFromElsewhere(port: number, count: number): Promise<string[]> {
  const connected = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(CLIENTS, { eval: true, workerData: { port, count, connected } });
  for (let had = 0; had < count; had = Atomics.load(connected, 0)) {
    if (Atomics.wait(connected, 0, had, 10_000) === 'timed-out') throw new Error('no connections');
  }
  return once(worker, 'message').then(([ends]) => ends as string[]);
}

describe('a listener', () => {
  let server: Server;
  let listener: Listener;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    server = createServer((_request, response) => response.end('answer'));
    listener = new Listener(server, { host: '127.0.0.1', port: 0, backlog: 1_024 });
    await listener.start();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await listener.close();
    server.close();
  });

  /** What became of a client: its answer, or how its connection broke. */
  async function open(): Promise<{ ask: () => void; outcome: Promise<string> }> {
    const socket = connect({ port: listener.port, host: '127.0.0.1' });
    sockets.push(socket);
    const outcome = new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(data.toString().split('\r\n')[0]!));
      socket.once('error', (err) => resolve((err as NodeJS.ErrnoException).code ?? 'error'));
    });
    await once(socket, 'connect');
    return { ask: () => void socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), outcome };
  }
  const taken = () => new Promise<number>((resolve) => server.on('connection', () => resolve(1)));

  it('resets those who wait to be let in, keeps those who are in, and lets new ones in', async () => {
    const [isTaken, inside] = [taken(), await open()];
    await isTaken;
    const waiting = connectFromElsewhere(listener.port, 3);
    await listener.refuseWaiting();
    expect(await waiting).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    inside.ask();
    expect(await inside.outcome).toBe('HTTP/1.1 200 OK');
    const next = await open();
    next.ask();
    expect(await next.outcome).toBe('HTTP/1.1 200 OK');
  });

  it('ends only when every connection that it let in has ended, and lets nobody in meanwhile', async () => {
    const [isTaken, inside] = [taken(), await open()];
    await isTaken;
    await listener.refuseWaiting();
    let closed = false;
    const closing = listener.close().then(() => (closed = true));
    const refused = await new Promise<string | undefined>((resolve) => {
      request({ port: listener.port, host: '127.0.0.1' })
        .once('error', (err: NodeJS.ErrnoException) => resolve(err.code))
        .end();
    });
    expect([refused, closed]).toEqual(['ECONNREFUSED', false]);
    await listener.refuseWaiting();
    inside.ask();
    expect(await inside.outcome).toBe('HTTP/1.1 200 OK');
    for (const socket of sockets) socket.destroy();
    await closing;
  });

  it('has the limits of time of an HTTP server', async () => {
    server.headersTimeout = 100;
    server.requestTimeout = 100;
    const closed = createServer({ connectionsCheckingInterval: 20 }, () => undefined);
    closed.headersTimeout = closed.requestTimeout = 100;
    const own = new Listener(closed, { host: '127.0.0.1', port: 0, backlog: 16 });
    await own.start();
    const socket = connect({ port: own.port, host: '127.0.0.1' });
    socket.write('GET / HT');
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    await waitUntil(() => answer.includes(' 408 '), { what: 'it is cut off', timeoutMs: 10_000 });
    socket.destroy();
    await own.close();
    closed.close();
  });
});
