import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/ops/run-command.js';
import { metaKey, winnersKey } from '../../src/redis/keys.js';
import type { Replica } from '../support/api-replica.js';
import { issue } from '../support/calls.js';
import { until } from '../support/servers.js';
import { range, users, WorkerEnvironment } from '../support/worker-environment.js';
import { issueAll, toRanks, startEnvironmentReplica } from '../support/environment-replica.js';

const MAX_DELIVERIES = 3;

let environment: WorkerEnvironment;
let replica: Replica;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(async () => {
  await replica.close();
  await environment.reset();
});
afterAll(() => environment?.remove());

/** Patient enough for a worker to pass the barrier at its next renewal. */
const checkGates = () => environment.keeper({ drainWithinMs: 10_000 }).check();
const issuedNow = () => environment.redis.hget(metaKey(1), 'issued');
const askFor = async (userId: string) => {
  const { status, body } = await issue(replica.url, 1, userId);
  return [status, body['rank']];
};

async function ops(...args: string[]): Promise<void> {
  const { redis, campaigns, issued, letters, leases } = environment;
  await runCommand({ redis, campaigns, issued, letters, leases, print: () => Promise.resolve() }, args);
}

/** Users 1–10 in MySQL. */
async function issueTen(): Promise<void> {
  await checkGates();
  replica = await startEnvironmentReplica(environment);
  const { drainer, holder } = await environment.startDrainer();
  expect(toRanks(await issueAll(replica, 1, users(1, 10)))).toEqual(range(1, 10));
  await until('every row is there', async () => (await environment.ranks(1)).length === 10);
  await environment.waitUntilDrained();
  await drainer.stop();
  await holder.stop();
}

/** Users 11 and 12 have 200s, and their entry ended its worker each time: it is a dead letter. */
async function buryTwo(): Promise<void> {
  expect(toRanks(await issueAll(replica, 1, users(11, 12)))).toEqual([11, 12]);
  const { streams, entries } = await environment.deliverTo('worker-1');
  for (const { partition, id } of entries)
    for (let i = 1; i < MAX_DELIVERIES; i++) await streams.claim(partition, [id]);
  await environment.startDrainer('worker-1', { maxDeliveries: MAX_DELIVERIES });
  await environment.waitUntilDrained();
  expect((await environment.deadLetters())[0]).toMatchObject({ couponId: 1, reason: 'deliveredTooOften' });
  expect(await environment.ranks(1)).toEqual(range(1, 10));
}

describe('after Redis lost its data, a gate is opened', () => {
  test('after the highest rank in a dead letter, whose users keep their ranks', async () => {
    await issueTen();
    await buryTwo();
    const before = await environment.redis.hgetall(winnersKey(1));
    await environment.redis.flushall();
    await checkGates();
    expect(await issuedNow()).toBe('12');
    expect(await environment.redis.hgetall(winnersKey(1))).toEqual(before);
    expect(await askFor('new')).toEqual([200, 13]);
    const users = await environment.deadLetters();
    for (const { userId, rank } of users.flatMap(({ rows }) => rows)) {
      expect(await askFor(userId)).toEqual([409, rank]);
      const again = await issue(replica.url, 1, userId, { 'idempotency-key': `key-of-${userId}` });
      expect([again.status, again.body['rank']]).toEqual([200, rank]);
    }
  });

  test('and a dead letter that is replayed afterwards is written with the ranks that were promised', async () => {
    await issueTen();
    await buryTwo();
    await environment.redis.flushall();
    await checkGates();
    expect(await askFor('new')).toEqual([200, 13]);
    await ops('dead-letters', 'replay', '--all');
    await until('every row is there', async () => (await environment.ranks(1)).length === 13);
    expect(await environment.ranks(1)).toEqual(range(1, 13));
    expect(await environment.deadLetters()).toEqual([]);
  });

  test('after the rank of a row that MySQL refused', async () => {
    await issueTen();
    await environment.addEntry(1, 11, ['x'.repeat(65)]);
    await environment.startDrainer();
    await environment.waitUntilDrained();
    expect((await environment.deadLetters())[0]).toMatchObject({ reason: 'refused' });
    await environment.redis.flushall();
    await checkGates();
    expect(await askFor('new')).toEqual([200, 12]);
  });

  test('with what MySQL has where a dead letter contradicts it', async () => {
    await issueTen();
    await environment.addEntry(1, 10, ['user-3', 'somebody']);
    await environment.startDrainer();
    await until('the entry is drained', async () => (await environment.ranks(1)).length === 11);
    await environment.waitUntilDrained();
    expect((await environment.deadLetters())[0]).toMatchObject({ reason: 'contradiction' });
    await environment.redis.flushall();
    await checkGates();
    expect(await askFor('user-3')).toEqual([409, 3]);
    expect(await askFor('user-10')).toEqual([409, 10]);
    expect(await askFor('somebody')).toEqual([409, 11]);
    expect(await askFor('new')).toEqual([200, 12]);
  });

  test('after the highest rank that a replica was told of, even when nothing else knows it', async () => {
    await issueTen();
    // Nobody drains these: they are lost with Redis.
    expect(toRanks(await issueAll(replica, 1, users(11, 20)))).toEqual(range(11, 20));
    await environment.redis.flushall();
    expect(await askFor('early')).toEqual([503, undefined]);
    await checkGates();
    expect(await askFor('new')).toEqual([200, 21]);
  });
});

describe('an old copy of Redis', () => {
  test('whose counter is behind a dead letter is shut, although MySQL has no higher row', async () => {
    await issueTen();
    await buryTwo();
    await environment.redis.hdel(winnersKey(1), ...users(11, 12));
    // As a server that was started with a copy of before: not compared with MySQL yet.
    await environment.redis.hset(metaKey(1), 'issued', 10, 'checked', 'another-server');
    const fresh = await startEnvironmentReplica(environment);
    try {
      expect((await issue(fresh.url, 1, 'early')).status).toBe(503);
      await checkGates();
      expect((await issue(fresh.url, 1, 'new')).body['rank']).toBe(13);
    } finally {
      await fresh.close();
    }
  });
});

describe('rebuild --force', () => {
  test('keeps the counter where it is ahead of MySQL, and takes the winners from there', async () => {
    await issueTen();
    await environment.redis.hset(metaKey(1), 'issued', 25);
    await environment.redis.hdel(winnersKey(1), 'user-7');
    await ops('rebuild', '--coupon', '1', '--force');
    expect(await issuedNow()).toBe('25');
    expect(await askFor('user-7')).toEqual([409, 7]);
    expect(await askFor('new')).toEqual([200, 26]);
  });
});
