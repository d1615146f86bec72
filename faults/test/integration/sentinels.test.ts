import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { readOperatorConfig } from '../../../api/src/config.js';
import { connectRedis, waitUntilReady } from '../../../api/src/redis/connection.js';
import { until } from '../../../api/test/support/servers.js';
import { SentinelSet } from '../../sentinels.js';
import { TcpProxy } from '../../tcp-proxy.js';

const logger = pino({ level: 'silent' });
const folder = mkdtempSync(join(tmpdir(), 'test-sentinels-'));
const password = 'password-of-this-test';

let sentinels: SentinelSet;
let proxy: TcpProxy;

beforeAll(async () => {
  sentinels = new SentinelSet(folder, password);
  await sentinels.start();
  const [first] = sentinels.env['REDIS_SENTINELS']!.split(',');
  proxy = await TcpProxy.listen(Number(first!.split(':')[1]));
});
afterAll(async () => {
  proxy?.close();
  await sentinels?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const connect = (sentinelPorts: string) =>
  connectRedis(
    readOperatorConfig({
      ...sentinels.env,
      REDIS_SENTINELS: sentinelPorts,
      REDIS_PASSWORD: password,
      DATABASE_URL: 'mysql://nobody@127.0.0.1:1/none',
    }),
    logger,
  );

describe('a client of sentinels', () => {
  it('comes back when it is disconnected while it asks them for the primary', async () => {
    proxy.delay(200, 0);
    const redis = connect(`127.0.0.1:${proxy.port}`);
    let ended = false;
    redis.once('end', () => (ended = true));
    await until('it asks', () => redis.status === 'connecting');
    redis.disconnect(true);
    await until('ioredis gave up', () => ended);
    await waitUntilReady(redis, 10_000);
    expect(await redis.ping()).toBe('PONG');
    redis.disconnect();
  });

  it('stays closed when it was closed on purpose', async () => {
    proxy.delay(0, 0);
    const redis = connect(`127.0.0.1:${proxy.port}`);
    await waitUntilReady(redis, 10_000);
    const ended = new Promise((resolve) => redis.once('end', resolve));
    redis.disconnect();
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(redis.status).toBe('end');
  });

  it('finds the promoted replica, with what it had confirmed', async () => {
    const redis = connect(sentinels.env['REDIS_SENTINELS']!);
    await waitUntilReady(redis, 10_000);
    await redis.set('promised', 'yes');
    expect(await redis.wait(1, 500)).toBe(1);
    const lost = await sentinels.losePrimary();
    await sentinels.untilAnotherIsPromoted(lost);
    const value = await until('the new primary answers', () => redis.get('promised').catch(() => null));
    expect(value).toBe('yes');
    // Alone it writes nothing that nobody could confirm.
    const refusal = await until('it refuses writes', () =>
      redis.set('next', '1').then(
        () => null,
        (err: Error) => (err.message.startsWith('NOREPLICAS') ? err.message : null),
      ),
    );
    expect(refusal).toMatch(/^NOREPLICAS/);
    await sentinels.rejoin(lost);
    expect(await until('it takes writes', () => redis.set('next', '1').catch(() => null))).toBe('OK');
    redis.disconnect();
  });
});
