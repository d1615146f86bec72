import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Router } from 'express';
import { UnavailableError } from '../../src/coupon/unavailable.js';
import { createApp } from '../../src/http/app.js';
import { ProblemError, rawProblem } from '../../src/http/problem.js';
import { createLogger } from '../../src/logger.js';

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

async function answerTo(
  fault: unknown,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
  const routes = Router();
  routes.get('/fault', () => {
    throw fault;
  });
  const app = createApp({
    logger: createLogger('test', 'silent'),
    issueRoute: () => undefined,
    routes: [routes],
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server!.once('listening', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fault`);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe('the error handler', () => {
  it('says nothing about the inside when something unexpected happens', async () => {
    const { status, body } = await answerTo(new Error('password of the database is x'));
    expect([status, body['code']]).toEqual([500, 'internal']);
    expect(JSON.stringify(body)).not.toContain('password');
  });

  it('survives what is thrown and is no error', async () => {
    for (const fault of ['text', 5, { status: 'x' }]) {
      expect((await answerTo(fault)).status).toBe(500);
      server?.close();
    }
  });

  it('answers 503 with Retry-After when a store cannot be asked', async () => {
    const { status, body, headers } = await answerTo(new UnavailableError('database'));
    expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'not-ready', '1']);
  });

  it('renders a problem with its own detail, headers and further members', async () => {
    const fault = new ProblemError('invalid-request', {
      detail: 'Mind the "quotes".',
      headers: { 'x-hint': '1' },
      extension: { errors: [] },
    });
    const { status, body, headers } = await answerTo(fault);
    expect(status).toBe(400);
    expect(body).toEqual({
      type: 'urn:coupon-rush:problem:invalid-request',
      title: 'The request is malformed',
      status: 400,
      code: 'invalid-request',
      detail: 'Mind the "quotes".',
      errors: [],
    });
    expect(headers.get('x-hint')).toBe('1');
  });
});

describe('a raw problem', () => {
  it('is a whole response', () => {
    const [head, body] = rawProblem('headers-too-large').split('\r\n\r\n') as [string, string];
    expect(head.split('\r\n')[0]).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
    expect(JSON.parse(body)).toMatchObject({ status: 431, code: 'headers-too-large' });
  });
});
