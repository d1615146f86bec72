import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Issued, Lease } from '../../src/coupon/types.js';
import { PrismaCampaignStore } from '../../src/db/campaign-store.js';
import { classifyDatabaseError } from '../../src/db/database-error.js';
import { PrismaIssuedStore } from '../../src/db/issued-store.js';
import { PrismaLeaseStore } from '../../src/db/lease-store.js';
import { migrate } from '../../src/db/migrate.js';
import { findMigrationsFolder, readMigrations } from '../../src/db/migrations.js';
import { createPrismaClient, type PrismaClient } from '../../src/db/prisma-client.js';
import { pino } from 'pino';
import { startDatabase, type TestDatabase } from '../support/servers.js';

let database: TestDatabase;
let prisma: PrismaClient;
let campaigns: PrismaCampaignStore;
let issued: PrismaIssuedStore;
let lease: Lease;

beforeAll(async () => {
  database = await startDatabase();
  const databaseUrl = await database.createDatabase();
  const migrations = await readMigrations(findMigrationsFolder());
  await migrate({ databaseUrl, migrations, logger: pino({ level: 'silent' }) });
  prisma = createPrismaClient({ DATABASE_URL: databaseUrl, DATABASE_POOL: 4 });
  campaigns = new PrismaCampaignStore(prisma);
  issued = new PrismaIssuedStore(prisma);
  lease = await new PrismaLeaseStore(prisma, 60_000).acquire('worker-1');
});

afterAll(async () => {
  await prisma?.$disconnect();
  await database?.remove();
});

beforeEach(() => prisma.issuedCoupon.deleteMany());

const row = (userId: string, rank: number, more: Partial<Issued> = {}): Issued => ({
  couponId: 1,
  userId,
  rank,
  issuedAtMs: 1_700_000_000_123,
  fingerprint: 'k',
  ...more,
});

const fails = (rows: Issued[]) => issued.persist(rows, lease).then(() => 'written', classifyDatabaseError);

describe('persist', () => {
  test('keeps every byte of a user id and every millisecond', async () => {
    const userId = `a'b"c\\d %_;-- ${'~'.repeat(20)}`;
    const rows = [row(userId, 1, { issuedAtMs: 4_102_444_800_999 }), row('a', 2), row('A', 3)];
    expect(await issued.persist(rows, lease)).toEqual({ inserted: 3, replayed: 0, contradictions: [] });
    expect(await issued.listByUser(userId)).toEqual([rows[0]]);
    expect(await issued.listByUser('A')).toEqual([rows[2]]);
  });

  test('the same facts again are replays, new ones beside them are written', async () => {
    await issued.persist([row('a', 1), row('b', 2)], lease);
    const again = await issued.persist([row('a', 1), row('b', 2), row('c', 3)], lease);
    expect(again).toEqual({ inserted: 1, replayed: 2, contradictions: [] });
  });

  test('a row twice in one batch is one row', async () => {
    expect(await issued.persist([row('a', 1), row('a', 1)], lease)).toMatchObject({
      inserted: 1,
      replayed: 1,
    });
  });

  test('contradictions are told apart, everything else in the batch is written', async () => {
    await issued.persist([row('a', 1)], lease);
    const batch = [
      row('x', 1),
      row('a', 5),
      row('b', 10_001),
      row('c', 1, { couponId: 99 }),
      row('d', 10_000),
      row('e', 7),
      row('f', 7),
    ];
    const { inserted, replayed, contradictions } = await issued.persist(batch, lease);
    expect({ inserted, replayed }).toEqual({ inserted: 2, replayed: 0 });
    expect(contradictions.map((c) => [c.issued.userId, c.reason, c.existing])).toEqual([
      ['x', 'rankTaken', { userId: 'a', rank: 1 }],
      ['a', 'userHasAnotherRank', { userId: 'a', rank: 1 }],
      ['b', 'rankBeyondTotal', null],
      ['f', 'rankTaken', { userId: 'e', rank: 7 }],
      ['c', 'unknownCoupon', null],
    ]);
    expect(await issued.countByCoupon(1)).toBe(3);
  });

  test.each([
    ['a user id that is too long', [row('u'.repeat(65), 2)]],
    ['a user id that is not ASCII', [row('é', 2)]],
    ['an empty user id', [row('', 2)]],
    ['rank 0', [row('b', 0)]],
    ['a fingerprint that is too long', [row('b', 2, { fingerprint: 'k'.repeat(33) })]],
    ['a time out of range', [row('b', 2, { issuedAtMs: Number.MAX_SAFE_INTEGER })]],
  ])('%s is an error of the data, and nothing of the batch is written', async (_what, rows) => {
    expect(await fails([row('a', 1), ...rows])).toBe('data');
    expect(await issued.countByCoupon(1)).toBe(0);
  });

  test('many writers with overlapping batches in any order write each row once', async () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => row(`u${i}`, i + 1));
    const batches = [0, 1, 2, 3].map((n) => rows.slice(n * 100, n * 100 + 700).toReversed());
    const results = await Promise.all(batches.map((batch) => issued.persist(batch, lease)));
    expect(results.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(1_000);
    expect(results.flatMap(({ contradictions }) => contradictions)).toEqual([]);
    expect(await issued.countByCoupon(1)).toBe(1_000);
  });

  test('pages give every row once, by rank', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => row(`u${i}`, i + 1));
    await issued.persist(rows, lease);
    const read: Issued[] = [];
    for await (const page of issued.streamByCoupon(1)) read.push(...page);
    expect(read).toEqual(rows);
  });
});

describe('campaigns', () => {
  const create = (more = {}) =>
    campaigns.create({ name: 'n', total: 5, opensAt: new Date(1_000), closesAt: null, ...more });

  test('come back as they were created, in milliseconds of UTC', async () => {
    const closesAt = new Date('2030-06-01T00:00:00.789Z');
    const campaign = await create({ name: 'Äpfel 🍏', closesAt });
    expect(await campaigns.get(campaign.id)).toEqual(campaign);
    expect(campaign).toMatchObject({ name: 'Äpfel 🍏', opensAt: new Date(1_000), closesAt, closedAt: null });
  });

  test('the stock only rises', async () => {
    const { id } = await create();
    expect(await campaigns.update(id, { total: 4 })).toMatchObject({ kind: 'totalMayOnlyRise' });
    expect(await campaigns.update(id, { total: 6 })).toMatchObject({
      kind: 'updated',
      campaign: { total: 6 },
    });
    expect(await campaigns.get(id)).toMatchObject({ total: 6 });
  });

  test('of many raises at once the highest stays', async () => {
    const { id } = await create();
    await Promise.all([9, 7, 8, 6].map((total) => campaigns.update(id, { total })));
    expect(await campaigns.get(id)).toMatchObject({ total: 9 });
  });

  test('the end stays after the beginning', async () => {
    const { id } = await create();
    expect(await campaigns.update(id, { closesAt: new Date(1_000) })).toMatchObject({
      kind: 'windowInvalid',
    });
    expect(await campaigns.update(4_711, { total: 6 })).toEqual({ kind: 'unknownCoupon' });
  });

  test('closing keeps the first time', async () => {
    const { id } = await create();
    const closed = await campaigns.close(id);
    expect(closed!.closedAt).toBeInstanceOf(Date);
    expect(await campaigns.close(id)).toEqual(closed);
    expect(await campaigns.close(4_711)).toBeNull();
  });

  test('pages follow the id, and those that are archived are left out of the live ones', async () => {
    const ids = [await create(), await create({ closesAt: new Date(2_000) }), await create()].map(
      ({ id }) => id,
    );
    await campaigns.withLocked(ids[1]!, ({ archive }) => archive());
    const afterId = ids[0]! - 1;
    const page = await campaigns.list({ afterId, limit: 2 });
    expect(page.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const live = await campaigns.listLive({ afterId, limit: 10 });
    expect(live.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(await campaigns.findExisting([...ids, 4_711])).toEqual(
      new Map([
        [ids[0], 'live'],
        [ids[1], 'archivedEnded'],
        [ids[2], 'live'],
      ]),
    );
    const changed = await campaigns.listLive({ afterId, limit: 10, changedWithinMs: 60_000 });
    expect(changed.map(({ id, archivedAt }) => [id, archivedAt !== null])).toEqual([
      [ids[0], false],
      [ids[1], true],
      [ids[2], false],
    ]);
  });

  test('a gate is opened for the first time once', async () => {
    const { id } = await create();
    const marks = await Promise.all([1, 2, 3].map(() => campaigns.markGateOpening(id)));
    expect(marks.filter(Boolean)).toHaveLength(1);
    expect(await campaigns.markGateOpening(4_711)).toBe(false);
  });

  test('while a campaign is locked nobody adds a winner, and the lock goes when the work fails', async () => {
    let written = false;
    const locked = campaigns.withLocked(1, async ({ readWinners }) => {
      const late = issued.persist([row('late', 9)], lease).then(() => (written = true));
      for await (const _page of readWinners()) throw new Error('there is nobody yet');
      expect(written).toBe(false);
      return { late };
    });
    await (await locked)!.late;
    expect(written).toBe(true);
    await expect(campaigns.withLocked(1, () => Promise.reject(new Error('failed')))).rejects.toThrow(
      'failed',
    );
    expect(await campaigns.withLocked(1, ({ campaign }) => Promise.resolve(campaign.id))).toBe(1);
  });
});

describe('a database that is gone', () => {
  test('is an error of its own kind, and the client is good again afterwards', async () => {
    await database.kill();
    expect(await fails([row('a', 1)])).toBe('unavailable');
    await expect(campaigns.withLocked(1, () => Promise.resolve(1))).rejects.toBeInstanceOf(Error);
    await database.start();
    expect(await campaigns.get(1)).toMatchObject({ id: 1 });
  });
});
