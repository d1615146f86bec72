import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { metaKey } from '../../src/redis/keys.js';
import type { DeadRow } from '../../src/coupon/types.js';
import { users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

const row = (userId: string, rank: number) => ({
  couponId: 1,
  userId,
  rank,
  issuedAtMs: 5,
  fingerprint: 'k',
});

let entries = 0;

/** A promise that MySQL did not take. */
async function bury(dead: DeadRow): Promise<void> {
  entries += 1;
  await environment.letters.add({
    partition: 1,
    entryId: `${entries}-0`,
    couponId: dead.couponId,
    reason: dead.existing === undefined ? 'refused' : 'contradiction',
    detail: 'by the test',
    rows: [dead],
    fields: [],
  });
}

/** Ten winners in MySQL, one more on rank 12 in the dead letters. */
async function promiseRank12(reason: string, existing?: DeadRow['existing']): Promise<void> {
  const lease = await environment.lease();
  await environment.issued.persist(
    users(1, 10).map((userId, i) => row(userId, i + 1)),
    lease,
  );
  await environment.leases.release(lease);
  await bury({ ...row('unlucky', 12), reason, ...(existing === undefined ? {} : { existing }) });
}

const PROMISED = [
  ['that MySQL refuses', 'Data too long', undefined],
  ['of a user who has another one', 'userHasAnotherRank', { userId: 'unlucky', rank: 3 }],
] as const;

describe('a rank in the dead letters', () => {
  test.each(PROMISED)('%s: a gate with a lower counter is an old copy', async (_what, reason, existing) => {
    await environment.keeper().check();
    await promiseRank12(reason, existing);
    expect((await environment.campaigns.readFences([1])).get(1)).toEqual({ generation: 1, highestRank: 12 });
    // Everybody whom MySQL has, and no more: an old copy that only the dead letter gives away.
    await environment.redis.hset(metaKey(1), 'issued', 10);

    await environment.keeper().check();
    expect(await environment.redis.hmget(metaKey(1), 'total', 'issued')).toEqual(['10000', '12']);
  });

  test.each(PROMISED)(
    '%s: a gate that was lost goes on after it, and nobody gets it',
    async (_what, reason, existing) => {
      await environment.keeper().check();
      await promiseRank12(reason, existing);
      await environment.redis.flushall();
      await environment.keeper().check();
      expect(await environment.redis.hget(metaKey(1), 'issued')).toBe('12');
    },
  );

  test.each([
    ['beyond the stock', 10_001, 'rankBeyondTotal'],
    ['of a coupon that did not exist then', 50, 'unknownCoupon'],
  ])('%s was never handed out and moves nothing', async (_what, rank, reason) => {
    await environment.keeper().check();
    await bury({ ...row('stranger', rank), reason, existing: null });
    await environment.redis.flushall();
    await environment.keeper().check();
    expect(await environment.redis.hget(metaKey(1), 'issued')).toBe('0');
  });
});
