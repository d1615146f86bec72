import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { REHEARSED_COUPON } from '../../src/coupon/rehearsal-gate.js';
import { isReady, killApis, launchApi, type ApiProcess } from '../support/api-process.js';
import { startBackends, startReplica, type Backends, type Replica } from '../support/api-replica.js';
import { call, createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';

let backends: Backends;
/** With clients for looking into Redis and MySQL; it takes no part otherwise. */
let observer: Replica;

beforeAll(async () => {
  backends = await startBackends();
  observer = await startReplica(backends.env);
});
afterEach(killApis);
afterAll(async () => {
  await observer?.close();
  await backends?.remove();
});

const launch = (warmUpMs: number) => launchApi({ ...backends.env, WARM_UP_MS: String(warmUpMs) });
const untilReady = ({ url }: ApiProcess) => until('it is ready', () => isReady(url).catch(() => false));
const messages = ({ output }: ApiProcess): unknown[] =>
  output()
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: unknown }).msg);
/** Of the issue route: everything but what the process itself measures. */
const ownMetrics = async ({ url }: ApiProcess): Promise<string[]> => {
  const response = await fetch(`${url}/metrics`);
  return (await response.text()).split('\n').filter((line) => line.startsWith('coupon_'));
};
const cpuSeconds = async ({ url }: ApiProcess): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
};

describe('a replica that rehearses before it listens', () => {
  it('has worked, and leaves no metric, no line, no key and no row behind', async () => {
    const look = async () => ({
      keys: (await observer.redis.keys('*')).toSorted(),
      rows: await observer.prisma.issuedCoupon.count(),
      coupons: await observer.prisma.coupon.count(),
    });
    const before = await look();
    const [cold, warm] = [await launch(0), await launch(1_000)];
    await untilReady(cold);
    await untilReady(warm);
    expect(await ownMetrics(warm)).toEqual(await ownMetrics(cold));
    expect(messages(warm)).toEqual(messages(cold));
    expect(await look()).toEqual(before);
    expect((await cpuSeconds(warm)) / (await cpuSeconds(cold))).toBeGreaterThan(1.2);
  });

  it('answers a client of the rehearsed coupon as of any that is unknown, and others from Redis', async () => {
    const warm = await launch(300);
    await untilReady(warm);
    const unknown = await issue(warm.url, REHEARSED_COUPON, 'somebody');
    expect([unknown.status, unknown.body['code']]).toEqual([404, 'unknown-coupon']);
    const couponId = await createCampaign(warm.url, { total: 1 });
    expect((await issue(warm.url, couponId, 'first')).body['rank']).toBe(1);
    expect((await issue(warm.url, couponId, 'second')).status).toBe(410);
  });

  it('does not listen before it has ended', async () => {
    const warm = await launch(1_000);
    await expect(call(`${warm.url}/readyz`)).rejects.toThrow();
    await untilReady(warm);
    expect(messages(warm)).toContain('listening');
  });

  it('listens in time though Redis is away, and ends at once when it is told to', async () => {
    const first = await launch(60_000);
    await until('it has connected', async () => messages(first).length > 0).catch(() => undefined);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
  });
});
