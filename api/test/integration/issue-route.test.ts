import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CONSUMER_GROUP, metaKey, streamKey, toPartition, undrainedKey } from '../../src/redis/keys.js';
import { parseIssuedEntry } from '../../src/redis/issued-entry.js';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { admin, createCampaign, issue, type Answer } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
let replicas: [Replica, Replica];
let url: string;

beforeAll(async () => {
  backends = await startBackends();
  // What is decided is tested here, not how soon: on a busy machine a call may take longer than the service allows.
  const env = { ...backends.env, REDIS_COMMAND_TIMEOUT_MS: '10000' };
  replicas = [await startReplica(env), await startReplica(env)];
  url = replicas[0].url;
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await backends.remove();
});

const seen = (answers: Answer[]) =>
  new Set(answers.map(({ status, body }) => `${status} ${String(body['code'] ?? '')}`.trim()));

const toRanks = (answers: Answer[]) => answers.map(({ body }) => Number(body['rank'])).sort((a, b) => a - b);

const oneTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe('a rush', () => {
  it('of 1,000 users for 100 coupons through two replicas ends with the ranks 1 to 100, and 410 for the others', async () => {
    const couponId = await createCampaign(url, { total: 100 });
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => issue(replicas[i % 2]!.url, couponId, `u${i}`)),
    );
    const winners = answers.filter(({ status }) => status === 200);
    expect(toRanks(winners)).toEqual(oneTo(100));
    expect(new Set(winners.map(({ body }) => body['userId'])).size).toBe(100);
    expect(seen(answers)).toEqual(new Set(['200', '410 sold-out']));
    const entries = await replicas[0].redis.xrange(streamKey(toPartition(couponId)), '-', '+');
    const issued = entries.flatMap(([, fields]) => parseIssuedEntry(fields).rows);
    const promised = winners.map(({ body }) => `${String(body['userId'])} ${String(body['rank'])}`).sort();
    expect(
      issued
        .filter((one) => one.couponId === couponId)
        .map(({ userId, rank }) => `${userId} ${rank}`)
        .sort(),
    ).toEqual(promised);
  });

  it('of one user on both replicas with different keys is one coupon and otherwise 409 with the same facts', async () => {
    const couponId = await createCampaign(url, { total: 100 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        issue(replicas[i % 2]!.url, couponId, 'eager', { 'idempotency-key': `try-${i}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(seen(answers)).toEqual(new Set(['200', '409 already-issued']));
    const facts = answers.map(({ body: { couponId: id, userId, rank, issuedAt } }) => ({
      id,
      userId,
      rank,
      issuedAt,
    }));
    expect(new Set(facts.map((fact) => JSON.stringify(fact))).size).toBe(1);
    expect(facts[0]).toMatchObject({ id: couponId, userId: 'eager', rank: 1 });
  });

  it('of more attempts than one batch may carry is decided in several', async () => {
    const couponId = await createCampaign(url, { total: 10_000 });
    const answers = await Promise.all(Array.from({ length: 600 }, (_, i) => issue(url, couponId, `b${i}`)));
    expect(seen(answers)).toEqual(new Set(['200']));
    expect(toRanks(answers)).toEqual(oneTo(600));
  });
});

describe('an answer', () => {
  it('of 200 carries coupon, user, rank and time, and is never stored by caches', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const before = Date.now();
    const { status, headers, body } = await issue(url, couponId, 'a"b\\c d');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({ couponId, userId: 'a"b\\c d', rank: 1, issuedAt: expect.any(String) });
    expect(Math.abs(Date.parse(body['issuedAt'] as string) - before)).toBeLessThan(10_000);
    expect(new Date(body['issuedAt'] as string).toISOString()).toBe(body['issuedAt']);
  });

  it.each(['idempotency-key', 'x-request-id'])(
    'is replayed for the same %s, from any replica',
    async (header) => {
      const couponId = await createCampaign(url, { total: 5 });
      const first = await issue(url, couponId, 'lee', { [header]: 'key-1' });
      const again = await issue(replicas[1].url, couponId, 'lee', { [header]: 'key-1' });
      expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([200, null]);
      expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
      expect(again.body).toEqual(first.body);
      const other = await issue(url, couponId, 'lee', { [header]: 'key-2' });
      expect([other.status, other.headers.get('content-type')]).toEqual([409, 'application/problem+json']);
      expect(other.body).toMatchObject({ code: 'already-issued', status: 409, ...first.body });
    },
  );

  it('believes the Idempotency-Key rather than the request id', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    await issue(url, couponId, 'kim', { 'idempotency-key': 'mine', 'x-request-id': 'r1' });
    const again = await issue(url, couponId, 'kim', { 'idempotency-key': 'mine', 'x-request-id': 'r2' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = await issue(url, couponId, 'kim', { 'x-request-id': 'r1' });
    expect(other.status).toBe(409);
  });

  it('to two tries without any key is 200 and 409', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    expect((await issue(url, couponId, 'ann')).status).toBe(200);
    expect((await issue(url, couponId, 'ann')).status).toBe(409);
  });

  it('tells apart users that differ in case only', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const answers = [await issue(url, couponId, 'sam'), await issue(url, couponId, 'SAM')];
    expect(toRanks(answers)).toEqual([1, 2]);
  });

  it('replays to both when one user with one key is twice in a batch', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const answers = await Promise.all(
      [1, 2, 3].map(() => issue(url, couponId, 'dup', { 'idempotency-key': 'same' })),
    );
    expect(seen(answers)).toEqual(new Set(['200']));
    expect(toRanks(answers)).toEqual([1, 1, 1]);
    expect(answers.filter(({ headers }) => headers.has('idempotency-replayed'))).toHaveLength(2);
  });
});

describe('the window', () => {
  it('opens by itself: 403 with opensAt and Retry-After before, 200 after', async () => {
    const opensAt = new Date(Date.now() + 1_500).toISOString();
    const couponId = await createCampaign(url, { total: 5, opensAt });
    const early = await issue(url, couponId, 'bird');
    expect(early.status).toBe(403);
    expect(early.body).toMatchObject({ code: 'not-open', status: 403, opensAt });
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(early.headers.get('retry-after'))).toBeLessThanOrEqual(2);
    const later = await until('it opens', async () => {
      const answer = await issue(url, couponId, 'bird');
      return answer.status !== 403 && answer;
    });
    expect(later.status).toBe(200);
    expect(Date.parse(later.body['issuedAt'] as string)).toBeGreaterThanOrEqual(Date.parse(opensAt));
  });

  it('is that of Redis, whatever the clock of a replica says', async () => {
    const realNow = Date.now;
    const opensAt = new Date(realNow() + 1_800_000).toISOString();
    const later = await createCampaign(url, { total: 5, opensAt });
    const open = await createCampaign(url, { total: 5 });
    const hourMs = 3_600_000;
    try {
      Date.now = () => realNow() + hourMs;
      const early = await issue(url, later, 'ahead');
      expect([early.status, early.body['code']]).toEqual([403, 'not-open']);
      expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(1_500);
      Date.now = () => realNow() - hourMs;
      const { status, body } = await issue(url, open, 'behind');
      expect(status).toBe(200);
      expect(Math.abs(Date.parse(body['issuedAt'] as string) - realNow())).toBeLessThan(60_000);
    } finally {
      Date.now = realNow;
    }
  });

  it('ends by itself: 410 for those without a coupon, the old answer for those with one', async () => {
    const closesAt = new Date(Date.now() + 1_000).toISOString();
    const couponId = await createCampaign(url, { total: 1_000, closesAt });
    const won = await issue(url, couponId, 'won', { 'idempotency-key': 'k' });
    expect(won.status).toBe(200);
    let n = 0;
    const late = await until('it ends', async () => {
      const answer = await issue(url, couponId, `late${n++}`);
      return answer.status !== 200 && answer;
    });
    expect([late.status, late.body['code']]).toEqual([410, 'ended']);
    expect((await issue(url, couponId, 'won', { 'idempotency-key': 'k' })).body).toEqual(won.body);
    expect((await issue(url, couponId, 'won', { 'idempotency-key': 'other' })).status).toBe(409);
  });

  it('ends at once when an operator closes the campaign', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    await issue(url, couponId, 'won', { 'idempotency-key': 'k' });
    expect((await admin(url, 'POST', `/${couponId}/close`)).status).toBe(200);
    expect((await issue(replicas[1].url, couponId, 'late')).body['code']).toBe('ended');
    expect((await issue(url, couponId, 'won', { 'idempotency-key': 'k' })).status).toBe(200);
  });

  it('shows a raised stock at once', async () => {
    const couponId = await createCampaign(url, { total: 1 });
    await issue(url, couponId, 'one');
    expect((await issue(url, couponId, 'two')).body['code']).toBe('sold-out');
    await admin(url, 'PATCH', `/${couponId}`, { total: 2 });
    expect((await issue(url, couponId, 'two')).body).toMatchObject({ rank: 2 });
  });
});

describe('a gate that is shut', () => {
  it('is 503 not-ready with Retry-After for a coupon that exists, and opens again', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    const meta = await replicas[0].redis.hgetall(metaKey(couponId));
    await replicas[0].redis.del(metaKey(couponId));
    const { status, body, headers } = await issue(url, couponId, 'u');
    expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'not-ready', '1']);
    await replicas[0].redis.hset(metaKey(couponId), meta);
    expect((await issue(url, couponId, 'u')).status).toBe(200);
  });

  it('is 503 not-ready when its meta is damaged, and nothing is issued', async () => {
    const couponId = await createCampaign(url, { total: 5 });
    await replicas[0].redis.hset(metaKey(couponId), 'total', 'many');
    const { status, body } = await issue(url, couponId, 'u');
    expect([status, body['code']]).toEqual([503, 'not-ready']);
  });
});

describe('an unknown coupon', () => {
  const countQueries = async (work: () => Promise<unknown>): Promise<number> => {
    const questions = async () => {
      const rows = await replicas[0].prisma.$queryRaw<
        { Value: string }[]
      >`SHOW GLOBAL STATUS LIKE 'Com_select'`;
      return Number(rows[0]!.Value);
    };
    const before = await questions();
    await work();
    return (await questions()) - before;
  };

  it('is 404, and a hundred tries at once ask MySQL once', async () => {
    const queries = await countQueries(async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => issue(url, 999_001, `u${i}`)));
      expect(seen(answers)).toEqual(new Set(['404 unknown-coupon']));
    });
    expect(queries).toBe(1);
  });

  it('made up in hundreds costs a few queries, and Redis keeps nothing of them', async () => {
    const keysBefore = await replicas[0].redis.dbsize();
    const queries = await countQueries(async () => {
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, i) => issue(url, 5_000_000_000 + i, 'prober')),
      );
      expect(seen(answers)).toEqual(new Set(['404 unknown-coupon']));
    });
    expect(queries).toBeLessThan(100);
    expect(await replicas[0].redis.dbsize()).toBe(keysBefore);
  });

  it('that is created afterwards is there soon', async () => {
    const next = (await createCampaign(url, { total: 1 })) + 1;
    expect((await issue(url, next, 'early')).status).toBe(404);
    expect(await createCampaign(url, { total: 1 })).toBe(next);
    await until('it is known', async () => (await issue(url, next, 'later')).status === 200);
  });
});

describe('a backlog', () => {
  it('that is full is 503 backlog-full, but a winner still learns that it won', async () => {
    const narrow = await startReplica({ ...backends.env, BACKLOG_MAX_COUPONS: '1' });
    try {
      await narrow.redis.flushall();
      const couponId = await createCampaign(url, { total: 5 });
      const first = await issue(narrow.url, couponId, 'a', { 'idempotency-key': 'k' });
      expect(first.status).toBe(200);
      const second = await issue(narrow.url, couponId, 'b');
      expect([second.status, second.body['code'], second.headers.get('retry-after')]).toEqual([
        503,
        'backlog-full',
        '1',
      ]);
      expect((await issue(narrow.url, couponId, 'a', { 'idempotency-key': 'k' })).body).toEqual(first.body);
      const [stream, undrained] = [streamKey(toPartition(couponId)), undrainedKey(toPartition(couponId))];
      const [entry] = await narrow.redis.xrange(stream, '-', '+');
      await narrow.redis.settleEntries(stream, undrained, CONSUMER_GROUP, entry![0], couponId, 1);
      expect((await issue(narrow.url, couponId, 'b')).status).toBe(200);
    } finally {
      await narrow.close();
    }
  });
});
