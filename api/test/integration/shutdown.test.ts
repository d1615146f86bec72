import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { startBackends, startReplica, type Backends } from '../support/api-replica.js';
import { call, createCampaign, issue } from '../support/calls.js';
import { until } from '../support/servers.js';

const MAIN = join(process.cwd(), 'dist/api/src/main-api.js');

interface Process {
  child: ChildProcess;
  url: string;
  port: number;
  /** Everything it wrote so far. */
  output: () => string;
  ended: Promise<number | null>;
}

let backends: Backends;
let couponId: number;
const running: ChildProcess[] = [];

async function launch(env: Record<string, string> = {}): Promise<Process> {
  const port = await getPort({ host: '127.0.0.1' });
  const child = spawn(process.execPath, [MAIN], {
    env: { ...backends.env, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, port, url: `http://127.0.0.1:${port}`, output: () => text, ended };
}

const isReady = (url: string) => call(`${url}/readyz`).then(({ status }) => status === 200);

beforeAll(async () => {
  if (!existsSync(MAIN)) throw new Error('npm run build comes first: this test starts what it built');
  backends = await startBackends();
  const replica = await startReplica(backends.env);
  couponId = await createCampaign(replica.url, { total: 1_000_000 });
  await replica.close();
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

afterAll(() => backends.remove());

/** A user after another over one kept connection, until told to stop or refused. Returns how many got their answer. */
async function keepAsking(port: number, name: string, stopped: () => boolean) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses: number[] = [];
  let broken: Error | undefined;
  for (let i = 0; !stopped() && !broken; i++) {
    await new Promise<void>((resolve) => {
      const options = { agent, port, method: 'POST', headers: { 'x-user-id': `${name}-${i}` } };
      const req = request({ ...options, path: `/api/v1/coupons/call/${couponId}` }, (res) => {
        statuses.push(res.statusCode!);
        res.resume().once('end', resolve);
      });
      req.once('error', (err: NodeJS.ErrnoException) => {
        // Refused: it took no more connections, so this request never began.
        if (err.code === 'ECONNREFUSED') broken = err;
        else statuses.push(-1);
        resolve();
      });
      req.end();
    });
  }
  agent.destroy();
  return { statuses, refused: broken !== undefined };
}

describe('a replica that is told to end', () => {
  it('fails its readiness first, answers every request it took, and exits with 0', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '600' });
    await until('the replica is ready', () => isReady(replica.url));
    let stopped = false;
    const clients = Array.from({ length: 20 }, (_, i) => keepAsking(replica.port, `c${i}`, () => stopped));
    await until('the clients are under way', () => issue(replica.url, couponId, 'first').then((a) => a.status === 200));

    replica.child.kill('SIGTERM');
    await until('readiness fails while it still answers', async () => {
      const { status } = await call(`${replica.url}/readyz`);
      return status === 503;
    });
    expect((await issue(replica.url, couponId, 'during-the-grace')).status).toBe(200);

    expect(await replica.ended).toBe(0);
    stopped = true;
    const results = await Promise.all(clients);
    expect(results.every(({ refused }) => refused)).toBe(true);
    expect(new Set(results.flatMap(({ statuses }) => statuses))).toEqual(new Set([200]));
  });

  it('asks its clients to come on another connection from then on', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '600' });
    await until('the replica is ready', () => isReady(replica.url));
    replica.child.kill('SIGTERM');
    const closing = await until('an answer says so', async () => {
      const answer = await new Promise<string | undefined>((resolve, reject) => {
        const agent = new Agent({ keepAlive: true });
        request({ agent, port: replica.port, path: '/livez' }, (res) => {
          res.resume().once('end', () => agent.destroy());
          resolve(res.headers.connection);
        })
          .once('error', reject)
          .end();
      });
      return answer === 'close';
    });
    expect(closing).toBe(true);
    expect(await replica.ended).toBe(0);
  });

  it('waits for a request that Redis has not decided yet', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '0', REDIS_COMMAND_TIMEOUT_MS: '5000' });
    await until('the replica is ready', () => isReady(replica.url));
    backends.redis.pause();
    const answer = issue(replica.url, couponId, 'patient');
    try {
      await until('the attempt is with Redis', async () => {
        const { body } = await call(`${replica.url}/metrics`);
        return String(body['text']).includes('coupon_attempts_pending 1');
      });
      replica.child.kill('SIGTERM');
      await until('it takes no more connections', () =>
        call(`${replica.url}/livez`).then(
          () => false,
          () => true,
        ),
      );
    } finally {
      backends.redis.resume();
    }
    expect((await answer).status).toBe(200);
    expect(await replica.ended).toBe(0);
  });

  it('is not held up by a connection that never sends a request', async () => {
    const replica = await launch({ SHUTDOWN_GRACE_MS: '0' });
    await until('the replica is ready', () => isReady(replica.url));
    const silent = connect(replica.port, '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    replica.child.kill('SIGTERM');
    expect(await replica.ended).toBe(0);
    silent.destroy();
  });
});

describe('a replica that starts', () => {
  it('does not listen before Redis answers, says so, and then does', async () => {
    await backends.redis.stop();
    const replica = await launch();
    try {
      await until('it says why it does not listen', () => replica.output().includes('redis connection lost'));
      await expect(call(`${replica.url}/livez`)).rejects.toThrow();
    } finally {
      await backends.redis.start();
    }
    await until('the replica is ready', () => isReady(replica.url));
  });

  it('ends when it is told to while it still waits for Redis', async () => {
    await backends.redis.stop();
    const replica = await launch();
    try {
      await until('it waits', () => replica.output().includes('redis connection lost'));
      replica.child.kill('SIGTERM');
      expect(await replica.ended).toBe(0);
    } finally {
      await backends.redis.start();
    }
  });

  it('names every fault of its environment and exits with 78, without a stack and without values', async () => {
    const replica = await launch({ ADMIN_TOKEN: 'short-secret', REDIS_PASSWORD: '', PORT: '0' });
    expect(await replica.ended).toBe(78);
    expect(replica.output()).toMatch(/ADMIN_TOKEN[\s\S]*|PORT/);
    for (const name of ['ADMIN_TOKEN', 'REDIS_PASSWORD', 'PORT']) expect(replica.output()).toContain(`${name}:`);
    expect(replica.output()).not.toContain('short-secret');
    expect(replica.output()).not.toContain('    at ');
  });
});
