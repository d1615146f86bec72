import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IssuedStore, LeaseLostError } from '../../src/coupon/ports.js';
import { metaKey } from '../../src/redis/keys.js';
import { until } from '../support/servers.js';
import { LEASE_MS, range, users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;
/** Whatever becomes of a test, nothing that it held keeps the worker from ending. */
const letGoes: (() => void)[] = [];

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => {
  for (const letGo of letGoes.splice(0)) letGo();
  return environment.reset();
});
afterAll(() => environment?.remove());

const isShut = async (): Promise<boolean> => (await environment.redis.hexists(metaKey(1), 'total')) === 0;
const barrier = async (): Promise<number> =>
  Number((await environment.prisma.recoveryBarrier.findFirstOrThrow()).number);
const passed = async (worker: string): Promise<number> =>
  Number((await environment.prisma.workerLease.findUniqueOrThrow({ where: { worker } })).passed);

/** A store that writes nothing until it is let go. */
function holdStore() {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const outcomes: Promise<unknown>[] = [];
  const store: Pick<IssuedStore, 'persist'> = {
    persist: (rows, lease) => {
      const outcome = held.then(() => environment.issued.persist(rows, lease));
      outcomes.push(outcome.catch((err: unknown) => err));
      return outcome;
    },
  };
  letGoes.push(letGo);
  return { store, outcomes, letGo };
}

/** Ten coupons of coupon 1 that a worker has in hand when Redis loses everything. */
async function loseRedisWithEntriesInHand(worker: string) {
  await environment.openGates([1]);
  const held = holdStore();
  const { drainer, holder } = await environment.startDrainer(worker, {}, held.store);
  await environment.addEntry(1, 1, users(1, 10));
  await until('the batch is in hand', () => held.outcomes.length > 0);
  return { ...held, drainer, holder };
}

describe('before a lost gate is opened', () => {
  test('what one of two workers holds in memory is written, and until then the gate stays shut', async () => {
    const { letGo } = await loseRedisWithEntriesInHand('holding');
    await environment.startDrainer('idle');
    await until('the idle one has its lease', async () => (await passed('idle')) >= 0);
    await environment.redis.flushall();

    const before = await barrier();
    const opening = environment.openGates([1], { drainWithinMs: 20_000 });
    await until('the idle worker passes', async () => (await passed('idle')) > before);
    // Longer than a lease: the one that holds entries is alive, and is waited for.
    const renewed = async () =>
      (
        await environment.prisma.workerLease.findUniqueOrThrow({ where: { worker: 'holding' } })
      ).expiresAt.getTime();
    const deadline = (await renewed()) + LEASE_MS;
    await until('it goes on renewing its lease', async () => (await renewed()) > deadline);
    expect(await passed('holding')).toBeLessThanOrEqual(before);
    expect(await isShut()).toBe(true);

    letGo();
    expect((await opening).get(1)).toEqual({ kind: 'opened', issued: 10, recovered: true });
    expect(await environment.ranks(1)).toEqual(range(1, 10));
  });

  test('a worker that holds entries for longer than the keeper waits keeps the gate shut', async () => {
    const { letGo } = await loseRedisWithEntriesInHand('holding');
    await environment.redis.flushall();
    expect((await environment.openGates([1])).get(1)).toEqual({ kind: 'notDrained' });
    expect(await isShut()).toBe(true);
    letGo();
    await until('it is written', async () => (await environment.ranks(1)).length === 10);
  });

  test('a worker that does not come back loses its lease, and nothing that it writes later gets into MySQL', async () => {
    const lease = await environment.lease('dead');
    await environment.openGates([1]);
    await environment.redis.flushall();
    const outcomes = await environment.openGates([1], { drainWithinMs: 20_000 });
    expect(outcomes.get(1)).toEqual({ kind: 'opened', issued: 0, recovered: true });

    const rows = range(1, 3).map((rank) => ({
      ...{ couponId: 1, userId: `late-${rank}`, rank, issuedAtMs: Date.now(), fingerprint: 'key' },
    }));
    await expect(environment.issued.persist(rows, lease)).rejects.toThrow(LeaseLostError);
    expect(await environment.ranks(1)).toEqual([]);
    expect(await environment.leases.renew(lease, 0)).toBeNull();
  });

  test('a worker whose lease was taken away gets another one and reads again, and writes nothing of what it held', async () => {
    const { letGo, outcomes, holder } = await loseRedisWithEntriesInHand('stopped');
    const lost = holder.current!;
    await environment.redis.flushall();
    // As if it had been stopped for longer than its lease.
    await environment.prisma.workerLease.deleteMany({ where: { worker: 'stopped' } });
    await environment.openGates([1]);
    letGo();
    expect(await outcomes[0]).toBeInstanceOf(LeaseLostError);
    await until('it has another lease', () => holder.current !== null && holder.current.token !== lost.token);
    await environment.addEntry(1, 1, users(11, 13));
    await until('the new entry is written', async () => (await environment.ranks(1)).length > 0);
    const rows = await environment.prisma.issuedCoupon.findMany({ orderBy: { rank: 'asc' } });
    expect(rows.map(({ userId }) => userId)).toEqual(users(11, 13));
  });

  test('a worker that died and starts again under its name holds nothing up', async () => {
    await environment.lease('worker-1');
    await environment.openGates([1]);
    await environment.redis.flushall();
    // Nobody loses a lease in this test: only starting again lets the gate open.
    const opening = environment.openGates([1], { drainWithinMs: 20_000, revokeAfterMs: 20_000 });
    const before = await barrier();
    await until(
      'the keeper waits',
      async () => (await barrier()) >= before && (await passed('worker-1')) < (await barrier()),
    );
    await environment.startDrainer('worker-1');
    expect((await opening).get(1)).toMatchObject({ kind: 'opened' });
  });

  test('a worker that was shut down in good order holds nothing up', async () => {
    const { drainer, holder } = await environment.startDrainer('worker-1');
    await until('it has a lease', () => holder.current);
    await drainer.stop();
    await holder.stop();
    expect(await environment.prisma.workerLease.count()).toBe(0);
  });
});

describe('a lease is not taken away', () => {
  test('while a statement that writes under it is in flight', async () => {
    const lease = await environment.lease('slow');
    const next = await environment.leases.raiseBarrier();
    await environment.prisma.workerLease.updateMany({ data: { expiresAt: new Date(0) } });
    // The statement waits for the coupon's row, with the lease in hand.
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let blocked: () => void = () => undefined;
    letGoes.push(release);
    const isBlocked = new Promise<void>((resolve) => (blocked = resolve));
    const blocker = environment.campaigns.withLocked(1, () => (blocked(), released));
    await isBlocked;
    const row = { couponId: 1, userId: 'late', rank: 1, issuedAtMs: Date.now(), fingerprint: 'key' };
    const writing = environment.issued.persist([row], lease);
    await until('the statement waits', async () => (await countLockWaits()) === 1);

    let isRevoked = false;
    const revoking = environment.leases.revokeExpired(next).then(() => (isRevoked = true));
    await until('the revocation waits for it', async () => (await countLockWaits()) === 2);
    expect(isRevoked).toBe(false);
    release();
    await blocker;
    expect(await writing).toMatchObject({ inserted: 1 });
    await revoking;
    await expect(environment.issued.persist([{ ...row, userId: 'later', rank: 2 }], lease)).rejects.toThrow(
      LeaseLostError,
    );
    expect(await environment.ranks(1)).toEqual([1]);
  });

  test('unless it has run out and its worker did not pass the barrier', async () => {
    const [alive, behind, through] = [
      await environment.lease('alive'),
      await environment.lease('behind'),
      await environment.lease('through'),
    ];
    const next = await environment.leases.raiseBarrier();
    await environment.leases.renew(through, next);
    const runOut = { where: { worker: { in: ['behind', 'through'] } }, data: { expiresAt: new Date(0) } };
    await environment.prisma.workerLease.updateMany(runOut);
    expect(await environment.leases.countBehind(next)).toEqual({ live: 1, expired: 1 });
    await environment.leases.revokeExpired(next);
    expect(await environment.leases.renew(behind, 0)).toBeNull();
    expect(await environment.leases.renew(alive, 0)).toBe(next);
    expect(await environment.leases.renew(through, next)).toBe(next);
  });
});

/** InnoDB renews this view only when nobody has read it for 100 ms. */
async function countLockWaits(): Promise<number> {
  await sleep(120);
  const [row] = await environment.prisma.$queryRaw<{ n: bigint }[]>`
    SELECT COUNT(*) AS n FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'`;
  return Number(row!.n);
}
