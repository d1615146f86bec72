import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrismaCampaignStore } from '../../src/db/campaign-store.js';
import { metaKey } from '../../src/redis/keys.js';
import { RedisGateOpener } from '../../src/redis/redis-gate-opener.js';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { admin, call, createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
let replica: Replica;
let url: string;

beforeAll(async () => {
  backends = await startBackends();
  // What is decided is tested here, not how soon.
  replica = await startReplica({ ...backends.env, REDIS_COMMAND_TIMEOUT_MS: '10000' });
  url = replica.url;
});

afterAll(async () => {
  await replica?.close();
  await backends?.remove();
});

const IN_AN_HOUR = new Date(Date.now() + 3_600_000).toISOString();

/** Nobody else can change the campaign in MySQL until the returned function is called. */
async function lockCampaign(couponId: number): Promise<() => Promise<void>> {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let isLocked = false;
  const working = new PrismaCampaignStore(replica.prisma).withLocked(couponId, async () => {
    isLocked = true;
    await held;
  });
  await until('the row is locked', () => isLocked);
  return async () => {
    letGo();
    await working;
  };
}

const someoneWaitsForALock = async (): Promise<boolean> => {
  const rows = await replica.prisma.$queryRaw<{ Value: string }[]>`
    SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'`;
  return Number(rows[0]!.Value) > 0;
};

describe('a beginning that is put off while the campaign opens', () => {
  it('leaves its winners what they have, and lets nobody else win before the new beginning', async () => {
    const opensAt = new Date(Date.now() + 3_000).toISOString();
    const couponId = await createCampaign(url, { total: 5, opensAt });
    const unlock = await lockCampaign(couponId);
    // Looked at before the opening, changed after it.
    const moving = admin(url, 'PATCH', `/${couponId}`, { opensAt: IN_AN_HOUR });
    await until('the change waits for the row', someoneWaitsForALock);
    const won = await until('it opens', async () => {
      const answer = await issue(url, couponId, 'early', { 'idempotency-key': 'k' });
      return answer.status === 200 && answer;
    });
    await unlock();
    expect((await moving).body).toMatchObject({ opensAt: IN_AN_HOUR, state: 'scheduled' });

    const replayed = await issue(url, couponId, 'early', { 'idempotency-key': 'k' });
    expect([replayed.status, replayed.body]).toEqual([200, won.body]);
    const again = await issue(url, couponId, 'early', { 'idempotency-key': 'other' });
    expect([again.status, again.body['code'], again.body['rank']]).toEqual([409, 'already-issued', 1]);
    const late = await issue(url, couponId, 'late');
    expect([late.status, late.body['code'], late.body['opensAt']]).toEqual([403, 'not-open', IN_AN_HOUR]);
    const mine = await call(`${url}/api/v1/users/me/coupons`, { headers: { 'x-user-id': 'early' } });
    expect(mine.body['coupons']).toMatchObject([{ couponId, rank: 1 }]);
  });
});

describe('two changes that reach Redis in the wrong order', () => {
  it('leave the later one in force', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const campaigns = new PrismaCampaignStore(replica.prisma);
    const gates = new RedisGateOpener(replica.redis);
    const change = async (to: { closesAt: Date | null }) => {
      const update = await campaigns.update(couponId, to);
      if (update.kind !== 'updated') throw new Error(update.kind);
      return update.campaign;
    };
    const earlier = await change({ closesAt: new Date(Date.now() + 1) });
    const later = await change({ closesAt: null });
    await gates.update(later);
    await gates.update(earlier);
    expect(await replica.redis.hmget(metaKey(couponId), 'closesAtMs', 'revision')).toEqual(['0', '2']);
    await until('the earlier end has passed', () => Date.now() > earlier.closesAt!.getTime());
    expect((await issue(url, couponId, 'u')).status).toBe(200);
  });
});
