import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildBurstClient, runBurst } from '../../burst.js';

const client = await buildBurstClient();
if ('missing' in client) console.warn(`skipped: ${client.missing}`);
const withClient = 'missing' in client ? describe.skip : describe;
const program = 'program' in client ? client.program : '';

withClient('burst client', () => {
  const users = new Set<string>();
  const paths = new Set<string>();
  let server: Server;

  beforeAll(async () => {
    server = createServer((req, res) => {
      users.add(String(req.headers['x-user-id']));
      paths.add(`${req.method} ${req.url}`);
      if (req.headers['x-user-id'] === '1007') res.statusCode = 410;
      res.end('{}');
    });
    await new Promise<void>((resolve) =>
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, resolve),
    );
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('sends one issue call for each user, on a connection of its own, and counts the answers by status', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const result = await runBurst(program, url, { firstUser: 1_000, firstCoupon: 7 }, 200);
    expect(result.codes).toEqual({ '200': 199, '410': 1 });
    expect(users.size).toBe(200);
    expect([...paths]).toEqual(['POST /api/v1/coupons/call/7']);
    expect(result.lastAnswerMs).toBeGreaterThanOrEqual(result.sentMs);
  });

  it('says so when nobody listens', async () => {
    const result = await runBurst(program, 'http://127.0.0.1:1', { firstUser: 1, firstCoupon: 1 }, 3);
    expect(result.codes).toEqual({ 'connect failed': 3 });
  });
});
