import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitUntil } from '../../../common/wait-until.js';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { createCampaign, issue } from '../support/calls.js';

describe('an overloaded replica', () => {
  let backends: Backends;
  let replica: Replica;
  let couponId: number;

  beforeAll(async () => {
    backends = await startBackends();
    replica = await startReplica({ ...backends.env, ISSUE_RUSH_MAX: '100' });
    couponId = await createCampaign(replica.url, { total: 10_000 });
  });
  afterAll(async () => {
    await replica.close();
    await backends.remove();
  });

  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`${replica.url}/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  };
  /** As nginx would say it of a call that it got `waitMs` ago. */
  const waited = (waitMs: number) => ({
    'x-request-start': `t=${((Date.now() - waitMs) / 1_000).toFixed(3)}`,
  });
  const issued = async () => {
    const state = await replica.redis.keys('*winners*');
    const sizes = await Promise.all(state.map((key) => replica.redis.hlen(key)));
    return sizes.reduce((sum, size) => sum + size, 0);
  };

  it('refuses a call with 503 overloaded before its stock is touched, and leaves nginx a note', async () => {
    // Sets the difference of the clocks.
    expect((await issue(replica.url, couponId, 'first', waited(0))).status).toBe(200);
    const rush = [];
    for (let i = 0; i < 200; i += 1) rush.push(await issue(replica.url, couponId, `rush${i}`, waited(1_000)));
    // A few dozen make a queue of single slow calls, and a hundred of it are allowed.
    const served = rush.filter(({ status }) => status === 200);
    expect(served.length).toBeGreaterThanOrEqual(100);
    expect(served.length).toBeLessThan(200);
    const before = await issued();
    const answer = await issue(replica.url, couponId, 'late', waited(1_000));
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'overloaded', status: 503 });
    expect(answer.headers.get('retry-after')).toMatch(/^[123]$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await issued()).toBe(before);
    const notes = rush.map(({ headers }) => headers.get('x-accel-redirect')).filter((note) => note !== null);
    expect(notes.length).toBeGreaterThan(0);
    for (const note of notes) expect(note).toMatch(/^\/_overloaded\/[0-9]{9}$/);
    expect(await metric('coupon_answers_total{outcome="overloaded"}')).toBe(201 - served.length);
    expect(await metric('coupon_queue_wait_seconds_count')).toBe(202);
  });

  it('serves calls within the bound of nginx, those that did not wait, and those that nginx says nothing of', async () => {
    const within = { ...waited(1_000), 'x-issue-bound': '256' };
    expect((await issue(replica.url, couponId, 'within', within)).status).toBe(200);
    expect((await issue(replica.url, couponId, 'prompt', waited(10))).status).toBe(200);
    expect((await issue(replica.url, couponId, 'direct')).status).toBe(200);
  });

  it('does not decide for a client that has left', async () => {
    const slow = await startReplica({ ...backends.env, ISSUE_LINGER_MS: '100' });
    try {
      const socket = connect({ port: slow.port, host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.end(`POST /api/v1/coupons/call/${couponId} HTTP/1.1\r\nHost: x\r\nX-USER-ID: gone\r\n\r\n`);
      const abandoned = async () =>
        (await (await fetch(`${slow.url}/metrics`)).text()).includes('coupon_attempts_abandoned_total 1');
      await waitUntil(abandoned, { what: 'the attempt is abandoned', timeoutMs: 5_000 });
      const again = await issue(slow.url, couponId, 'gone');
      // Not 409: nothing was decided before.
      expect(again.status).toBe(200);
    } finally {
      await slow.close();
    }
  });
});
