import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/ops/run-command.js';
import { metaKey } from '../../src/redis/keys.js';
import { users, WorkerEnvironment } from '../support/worker-environment.js';

let environment: WorkerEnvironment;

beforeAll(async () => {
  environment = await WorkerEnvironment.create();
});
afterEach(() => environment.reset());
afterAll(() => environment?.remove());

async function ops(...args: string[]): Promise<Record<string, unknown>[]> {
  const lines: Record<string, unknown>[] = [];
  const print = async (line: object) => void lines.push(JSON.parse(JSON.stringify(line)));
  const { redis, campaigns, issued, letters, leases } = environment;
  await runCommand({ redis, campaigns, issued, letters, leases, print }, args);
  return lines;
}

describe('operator commands', () => {
  test('facts tells what Redis, MySQL and the stream have', async () => {
    await environment.addEntry(1, 1, users(1, 3));
    await environment.startDrainer();
    await environment.waitUntilDrained();
    await environment.keeper().check();
    const lines = await ops('facts', '--coupon', '1');
    const of = (source: string) => lines.filter((line) => line['source'] === source);
    expect(of('meta')).toEqual([{ source: 'meta', gate: true, total: 10_000, issued: 3 }]);
    expect(of('coupon')).toEqual([{ source: 'coupon', total: 10_000 }]);
    expect(of('mysql').map(({ userId, rank }) => [userId, rank])).toEqual(
      users(1, 3).map((user, i) => [user, i + 1]),
    );
    const unsourced = (source: string) => of(source).map((line) => ({ ...line, source: '' }));
    expect(unsourced('redis')).toEqual(expect.arrayContaining(unsourced('mysql')));
    expect(of('stream')).toEqual([{ source: 'stream', entries: 0, deadLetters: 0 }]);
    expect(lines.at(-1)).toEqual({ source: 'end' });
  });

  test('lag counts what is not in MySQL', async () => {
    expect(await ops('lag')).toEqual([{ entries: 0, oldestAgeMs: 0, deadLetters: 0 }]);
    await environment.addEntry(1, 1, users(1, 3));
    await environment.addEntry(2, 1, users(1, 3));
    expect(await ops('lag')).toEqual([{ entries: 2, oldestAgeMs: expect.any(Number), deadLetters: 0 }]);
    expect(await ops('lag', '--coupon', '2')).toMatchObject([{ entries: 1 }]);
  });

  test('rebuild opens a gate, leaves an open one alone, and with --force takes winners from MySQL, never a rank back', async () => {
    expect(await ops('rebuild', '--coupon', '1')).toEqual([
      { couponId: 1, kind: 'opened', issued: 0, recovered: false },
    ]);
    expect(await ops('rebuild', '--coupon', '1')).toEqual([{ couponId: 1, kind: 'alreadyOpen' }]);
    await environment.redis.hset(metaKey(1), 'issued', 4);
    expect(await ops('rebuild', '--coupon', '1', '--force')).toEqual([
      { couponId: 1, kind: 'opened', issued: 4, recovered: true },
    ]);
  });

  test('dead letters are listed, dropped and replayed', async () => {
    await environment.addRaw(1, ['foo', 'bar']);
    await environment.addEntry(77, 1, ['nobody']);
    const { drainer } = await environment.startDrainer();
    await environment.waitUntilDrained();
    await drainer.stop();
    const letters = await ops('dead-letters', 'list');
    expect(letters.map(({ reason }) => reason).toSorted()).toEqual(['contradiction', 'malformed']);
    const malformed = letters.find(({ reason }) => reason === 'malformed')!;
    await ops('dead-letters', 'drop', '--id', String(malformed['id']));
    expect(await ops('dead-letters', 'replay', '--all')).toHaveLength(1);
    expect(await ops('dead-letters', 'list')).toEqual([]);
    expect(await ops('lag')).toMatchObject([{ entries: 1 }]);
  });

  test.each([
    [['facts'], '--coupon needs'],
    [['facts', '--coupon', '0'], '--coupon needs'],
    [['facts', '--coupon', '4711'], 'no coupon 4711'],
    [['rebuild', '--coupon', '4711'], 'no coupon 4711'],
    [['dead-letters', 'replay'], 'Say which'],
    [['dead-letters', 'drop', '--all'], 'one letter at a time'],
    [['dead-letters', 'drop', '--id', '1/1-1'], 'no dead letter 1/1-1'],
    [['nonsense'], 'Usage'],
    [['lag', '--nonsense'], 'Usage'],
  ])('%j says what is wrong', async (args, message) => {
    await expect(ops(...args)).rejects.toThrow(message);
  });
});
