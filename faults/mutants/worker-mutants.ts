import type { Mutant, Selection } from './mutant.js';

const DRAINER = 'api/src/worker/drainer.ts';
const OPEN_GATE = 'api/src/coupon/open-gate.ts';
const STORE = 'api/src/db/issued-store.ts';

const test = (name: string, title: string): Selection => ({
  kind: 'integration',
  file: `api/test/integration/${name}.test.ts`,
  title,
});
const confirmed = (title: string): Selection => ({
  kind: 'integration',
  file: 'faults/test/integration/confirmed.test.ts',
  title,
});

const ACK_BEFORE_COMMIT = {
  file: DRAINER,
  find: 'const result = await this.#persister.persist(batch.rows, lease, uncount);',
  replace:
    'await streams.settle(batch.entries.map(toSettled));\n' +
    '      const result = await this.#persister.persist(batch.rows, lease, uncount);',
};

/** From the stream into MySQL, and back from MySQL into a gate. */
export const WORKER_MUTANTS: readonly Mutant[] = [
  {
    name: 'ack before commit',
    edits: [ACK_BEFORE_COMMIT],
    noticedBy: test('worker-outage', 'entries wait, no delivery is counted against them'),
  },
  {
    name: 'ack before commit, seen from outside',
    edits: [ACK_BEFORE_COMMIT],
    // MySQL away is not enough: the worker has what it acknowledged, and tries again until it is killed.
    noticedBy: { kind: 'scenario', scenario: 11 },
  },
  {
    name: 'pending entries settled when MySQL is away',
    edits: [
      {
        file: 'api/src/worker/persister.ts',
        find: "if (fault === 'unavailable') await onUnavailable();",
        replace:
          "if (fault === 'unavailable') {\n          await onUnavailable();\n          return NOTHING_PERSISTED;\n        }",
      },
    ],
    noticedBy: test('worker-outage', 'entries wait, no delivery is counted against them'),
  },
  {
    name: 'deliveries counted while MySQL is away',
    edits: [
      {
        file: DRAINER,
        find: 'const uncount = () => streams.resetDeliveries(inHand)',
        replace: 'const uncount = () => streams.keepClaims(inHand)',
      },
    ],
    noticedBy: test('worker-outage', 'entries wait, no delivery is counted against them'),
  },
  {
    name: 'confirmation removed in the worker',
    edits: [
      {
        file: DRAINER,
        find: 'await this.#awaitReplicas(entries);',
        replace: 'if (entries.length < 0) await this.#awaitReplicas(entries);',
      },
    ],
    noticedBy: confirmed('writes nothing'),
  },
  {
    name: 'confirmation bound to no write of its own',
    edits: [
      {
        file: 'api/src/redis/entry-streams.ts',
        find: 'const claims = newest.map(({ partition, id }) => this.#claimIds(partition, [id]));',
        replace: 'const claims = newest.map(({ id }) => this.redis.ping().then(() => [id]));',
      },
    ],
    noticedBy: confirmed('writes nothing that a replica lacks'),
    redisSince: 7.2,
  },
  {
    name: 'dead letter dropped',
    edits: [
      {
        file: DRAINER,
        find: 'await letters.add({ ...cause, partition, entryId: id, couponId, fields });',
        replace: 'if (id === "") await letters.add({ ...cause, partition, entryId: id, couponId, fields });',
      },
    ],
    noticedBy: test('worker-drainer', 'an entry that is none of ours becomes one'),
  },
  {
    name: 'contradictory rows ignored',
    edits: [
      {
        file: STORE,
        find: 'if (inserted === batch.length) return { inserted, replayed: 0, contradictions: [] };',
        replace:
          'if (inserted >= 0) return { inserted, replayed: batch.length - inserted, contradictions: [] };',
      },
    ],
    noticedBy: test('worker-drainer', 'a contradiction becomes one with the rows concerned'),
  },
  {
    name: 'ranks beyond the stock written to MySQL',
    edits: [
      {
        file: STORE,
        find: 'JOIN coupons ON coupons.id = item.coupon_id AND item.issue_rank <= coupons.total',
        replace: 'JOIN coupons ON coupons.id = item.coupon_id',
      },
    ],
    noticedBy: test('worker-drainer', 'a contradiction becomes one with the rows concerned'),
  },
  {
    name: 'users that differ in case are one user in MySQL',
    edits: [
      {
        file: 'prisma/migrations/0001_init/migration.sql',
        find: 'user_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL',
        replace: 'user_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL',
      },
    ],
    noticedBy: test('db-stores', 'keeps every byte of a user id'),
  },
  {
    name: "a dead worker's entries left alone",
    edits: [
      {
        file: DRAINER,
        find: 'streams.takeOver(partition, this.options.claimIdleMs)',
        replace: 'streams.takeOver(partition, 2 ** 31)',
      },
    ],
    noticedBy: test('worker-drainer', "takes over a dead worker's entries"),
  },
  {
    name: 'what is settled stays in the stream',
    edits: [
      {
        file: 'api/src/redis/commands/settleEntries-2.lua',
        find: "local deleted = redis.call('XDEL', streamKey, id)",
        replace: 'local deleted = 1',
      },
    ],
    noticedBy: test('worker-drainer', 'writes the entries of every partition once'),
  },
  {
    name: 'lease not asked for in the drain statement',
    edits: [
      {
        file: STORE,
        find: 'WHERE worker = ${worker} AND token = ${token} LOCK IN SHARE MODE',
        replace: 'WHERE ${worker} = ${worker} OR token = ${token} LIMIT 1',
      },
      {
        file: STORE,
        find: 'SELECT worker FROM worker_leases WHERE',
        replace: 'SELECT number FROM recovery_barrier AS worker_leases WHERE',
      },
      { file: STORE, find: 'OR token = ${token} LIMIT 1', replace: 'OR ${token} = 1 LIMIT 1' },
    ],
    noticedBy: test('leases', 'a worker that does not come back loses its lease'),
  },
  {
    name: 'lease not locked in the drain statement',
    edits: [
      {
        file: STORE,
        find: 'token = ${token} LOCK IN SHARE MODE',
        replace: 'token = ${token}',
      },
    ],
    noticedBy: test('leases', 'while a statement that writes under it is in flight'),
  },
  {
    name: 'barrier not waited for',
    edits: [
      {
        file: OPEN_GATE,
        find: 'const written = (await waitForWorkers(deps)) &&',
        replace:
          'const written = (drainWithinMs < 0 || !(await waitForWorkers({ ...deps, drainWithinMs: -1 })) || true) &&',
      },
    ],
    noticedBy: test('leases', 'what one of two workers holds in memory is written'),
  },
  {
    name: 'stream not drained before a lost gate is opened',
    edits: [
      {
        file: OPEN_GATE,
        find: '&& (await gates.waitUntilDrained(lost, drainWithinMs, signal));',
        replace: '&& !(await gates.waitUntilDrained([], drainWithinMs, signal) === false);',
      },
    ],
    noticedBy: test('worker-gate-keeper', 'a lost gate stays shut until its stream is drained'),
  },
  {
    name: 'gate opened before its winners are in place',
    edits: [
      {
        file: OPEN_GATE,
        find: 'const highestRank = await putAllWinners(gates, locked);',
        replace:
          'let highestRank = 0;\n' +
          '    for await (const page of locked.readWinners()) highestRank = page.at(-1)!.rank;',
      },
      {
        file: OPEN_GATE,
        find: 'const issued = await gates.open(locked.campaign, highestRank, await locked.beginGeneration());',
        replace:
          'const issued = await gates.open(locked.campaign, highestRank, await locked.beginGeneration());\n' +
          '    await putAllWinners(gates, locked);',
      },
    ],
    noticedBy: test('gate-opening', 'only when every winner is in place'),
  },
  {
    name: 'ranks reused after a rebuild: the counter starts at the number of winners',
    edits: [
      {
        file: OPEN_GATE,
        find: 'for (const { rank } of winners) highestRank = Math.max(highestRank, rank);',
        replace: 'highestRank += winners.length;',
      },
    ],
    noticedBy: test('gate-opening', 'after the highest rank, whatever gaps'),
  },
  {
    name: 'ranks reused after a rebuild: the counter starts at 0',
    edits: [
      {
        file: OPEN_GATE,
        find: 'for (const { rank } of winners) highestRank = Math.max(highestRank, rank);',
        replace: 'highestRank = Math.min(highestRank, winners.length);',
      },
    ],
    noticedBy: test(
      'worker-gate-keeper',
      'after Redis lost everything, winners are known again and ranks go on',
    ),
  },
  {
    name: 'ranks of dead letters given away after a rebuild',
    edits: [
      {
        file: OPEN_GATE,
        find: 'let { highestRank } = unwritten;',
        replace: 'let highestRank = 0;',
      },
      {
        file: OPEN_GATE,
        find: 'await put(unwritten.issued);',
        replace: 'await put(unwritten.issued.slice(0, 0));',
      },
    ],
    noticedBy: test('rebuild-ranks', 'after the highest rank in a dead letter'),
  },
  {
    name: 'archived without comparing with MySQL',
    edits: [
      {
        file: 'api/src/worker/archiver.ts',
        find: 'if (winners > persisted || deadLetters > 0) {',
        replace: 'if (winners < 0 || persisted < 0 || deadLetters < 0) {',
      },
    ],
    noticedBy: test('gate-opening', 'stays in Redis as long as a winner is there'),
  },
];
