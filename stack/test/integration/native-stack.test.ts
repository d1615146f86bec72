import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { instanceFolder, projectRoot } from '../../../common/paths.js';
import { readStartTime } from '../../../common/processes.js';
import { readEnvironment, readSecrets } from '../../env-file.js';
import { openNativeStack } from '../../native/native-stack.js';
import type { NativeStack } from '../../types.js';
import { startTraffic } from './traffic.js';

const name = `test-${process.pid}`;
const env = { SHUTDOWN_GRACE_MS: '1000', LOG_LEVEL: 'warn' };

/** `make … | head` when head has gone before the first line. */
async function runUnread(...args: string[]): Promise<{ status: number; errors: string }> {
  const program = join(projectRoot, 'dist', 'cli', 'main.js');
  const child = spawn(process.execPath, [program, ...args.slice(0, 1), '--name', name, ...args.slice(1)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.destroy();
  const [status] = (await once(child, 'close')) as [number];
  return { status, errors };
}

describe('a native stack', () => {
  let stack: NativeStack;

  beforeAll(async () => {
    stack = await openNativeStack({ name, env });
    await stack.up({ api: 2 });
  });

  afterAll(async () => {
    await stack.destroy();
    expect(existsSync(instanceFolder(name))).toBe(false);
  });

  const pids = async () =>
    Object.fromEntries((await stack.status()).map(({ service, pid }) => [service, pid]));
  const issue = (user: string, coupon = 1) =>
    fetch(`${stack.frontUrl}/api/v1/coupons/call/${coupon}`, {
      method: 'POST',
      headers: { 'x-user-id': user },
    });

  async function createCampaign(total: number): Promise<number> {
    const answer = await fetch(`${stack.opsUrl}/api/v1/admin/coupons`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'traffic', total }),
    });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { couponId: number }).couponId;
  }

  test('serves coupon 1 as soon as it is up, and every service is ready', async () => {
    expect((await issue('first')).status).toBe(200);
    const services = await stack.status();
    expect(services.map(({ service }) => service).sort()).toEqual(
      ['api-1', 'api-2', 'database', 'nginx', 'redis', 'worker-1'].sort(),
    );
    expect(new Set(services.map(({ state }) => state))).toEqual(new Set(['ready']));
    expect(await stack.isUp()).toBe(true);
  });

  test('up again changes no process, and starts only the one that died', async () => {
    const before = await pids();
    await stack.up({ api: 2 });
    expect(await pids()).toEqual(before);
    await (await stack.service('worker-1')).kill();
    await stack.up({ api: 2 });
    const { 'worker-1': worker, ...others } = await pids();
    expect(before).toMatchObject(others);
    expect(worker).not.toBe(before['worker-1']);
  });

  test('when nobody reads the output any more, operator commands end in peace', async () => {
    const args = ['ops', '--mode', 'native', '--', 'facts', '--coupon', '1'];
    expect(await runUnread(...args)).toEqual({ status: 0, errors: '' });
  });

  test('when nobody reads the output any more, up goes on to its end', async () => {
    await (await stack.service('api-2')).kill();
    expect(await runUnread('up', '--mode', 'native', '--api', '2')).toEqual({ status: 0, errors: '' });
    expect(await stack.replicas()).toBe(2);
  });

  test('scaling and the death of a replica under traffic cost no client its answer', async () => {
    const coupon = await createCampaign(1_000_000);
    const traffic = startTraffic(`${stack.frontUrl}/api/v1/coupons/call/${coupon}`, 10, 'u');
    await stack.scale(4);
    await (await stack.service('api-2')).kill();
    await stack.up({ api: 4 });
    await stack.scale(1);
    const seen = await traffic.stop();
    expect(Object.keys(seen)).toEqual(['200']);
    expect(await stack.replicas()).toBe(1);
  });

  test('when nginx is killed, its workers are gone too before a new one takes the port', async () => {
    const nginx = await stack.service('nginx');
    await nginx.kill();
    await stack.up({ api: 1 });
    expect((await issue('after-nginx')).status).toBe(200);
  });

  test('neither Redis nor the database refuses a program anything that it does', async () => {
    for (const command of [
      ['reconcile'],
      ['rebuild', '--coupon', '1', '--force'],
      ['dead-letters', 'list'],
      ['lag'],
    ])
      await stack.ops(command, { onLine: () => undefined });
    const headers = { authorization: `Bearer ${stack.adminToken}`, 'content-type': 'application/json' };
    const admin = `${stack.opsUrl}/api/v1/admin/coupons`;
    const coupon = await createCampaign(2);
    for (const user of ['a', 'b', 'c', 'a']) await issue(user, coupon);
    await fetch(`${stack.frontUrl}/api/v1/users/me/coupons`, { headers: { 'x-user-id': 'a' } });
    await fetch(`${admin}/${coupon}`, { method: 'PATCH', headers, body: JSON.stringify({ total: 3 }) });
    expect((await fetch(`${admin}/${coupon}`, { headers })).status).toBe(200);
    expect((await fetch(`${admin}/${coupon}/close`, { method: 'POST', headers })).status).toBe(200);
    const { port } = await stack.service('redis');
    const redis = new Redis({ port, password: readSecrets(readEnvironment()).REDIS_PASSWORD });
    expect(await redis.call('ACL', 'LOG')).toEqual([]);
    redis.disconnect();
    const logs = join(instanceFolder(name), 'logs');
    const said = readdirSync(logs).map((file) => readFileSync(join(logs, file), 'utf8'));
    expect(said.filter((text) => /NOPERM|denied to user/.test(text))).toEqual([]);
  });

  test('after down nothing runs or is left; after the next up what was issued is still known', async () => {
    const running = Object.values(await pids()) as number[];
    await stack.down();
    expect(running.filter((pid) => readStartTime(pid) !== undefined)).toEqual([]);
    expect(readdirSync(join(instanceFolder(name), 'run'))).toEqual([]);
    const { port } = new URL(stack.frontUrl);
    expect(readdirSync(tmpdir()).filter((file) => file.includes(`nginx-${port}-`))).toEqual([]);
    expect(await stack.isUp()).toBe(false);
    await stack.down();
    await stack.up({ api: 1 });
    expect((await issue('first')).status).toBe(409);
  });

  test('breaking off an up stops what it had started', async () => {
    await stack.down();
    const interrupted = new AbortController();
    const broken = await openNativeStack({
      name,
      env,
      onProgress: (line) => line.startsWith('worker') && interrupted.abort(new Error('interrupted')),
    });
    await expect(broken.up({ api: 1, signal: interrupted.signal })).rejects.toThrow('interrupted');
    expect(await stack.status()).toEqual([]);
  });
});
