import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  startBackends,
  startReplica,
  type Backends,
  type Replica,
} from '../../../api/test/support/api-replica.js';
import { createCampaign, issue } from '../../../api/test/support/calls.js';

let backends: Backends;
let replica: Replica;

beforeAll(async () => {
  backends = await startBackends();
  replica = await startReplica({ ...backends.env, BACKLOG_MAX_COUPONS: '3' });
});
afterAll(async () => {
  await replica?.close();
  await backends?.remove();
});

describe('when no worker drains and the backlog is full', () => {
  it('nothing more is promised, and whoever holds a coupon still learns it', async () => {
    const couponId = await createCampaign(replica.url, { total: 100 });
    for (let user = 1; user <= 3; user += 1) {
      expect((await issue(replica.url, couponId, `u${user}`, { 'idempotency-key': 'k' })).status).toBe(200);
    }
    const refused = await issue(replica.url, couponId, 'u4');
    expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
      503,
      'backlog-full',
      '1',
    ]);
    const replayed = await issue(replica.url, couponId, 'u2', { 'idempotency-key': 'k' });
    expect([replayed.status, replayed.body['rank']]).toEqual([200, 2]);
    expect((await issue(replica.url, couponId, 'u2', { 'idempotency-key': 'other' })).status).toBe(409);
  });
});
