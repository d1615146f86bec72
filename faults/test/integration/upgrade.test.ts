import { run } from '../../../common/run-command.js';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import getPort from 'get-port';
import { createPrismaClient, type PrismaClient } from '../../../api/src/db/prisma-client.js';
import { startBackends, type Backends } from '../../../api/test/support/api-replica.js';
import { createCampaign, issue } from '../../../api/test/support/calls.js';
import { until } from '../../../api/test/support/servers.js';
import { projectRoot } from '../../../common/paths.js';

/** The version before entries had a version and gates a generation. */
const PREVIOUS = '645ab89';
const BUILD_WITHIN_MS = 240_000;
const USERS_A_STEP = 400;
const IN_FLIGHT = 16;

const folder = mkdtempSync(join(tmpdir(), 'test-upgrade-'));
const previous = join(folder, 'previous');
const git = (...args: string[]) => run('git', ['-C', projectRoot, ...args]);

/** A clone without history cannot build it. It has packages of its own: this version may have given some up. */
const hasPrevious = await git('cat-file', '-e', `${PREVIOUS}^{commit}`).then(
  () => true,
  () => false,
);
if (!hasPrevious) process.stdout.write(`upgrade: commit ${PREVIOUS} is not in this clone, skipped\n`);

let backends: Backends;
let prisma: PrismaClient;
const running = new Map<string, { child: ChildProcess; url: string }>();

/** Starts `api` or `worker` of one version as a process, and waits until it is ready. */
async function start(name: string, kind: 'api' | 'worker', root: string): Promise<void> {
  const port = await getPort({ host: '127.0.0.1' });
  const env = {
    ...process.env,
    ...backends.env,
    HOST: '127.0.0.1',
    NODE_ENV: 'production',
    CLAIM_IDLE_MS: '2000',
  };
  const own = kind === 'api' ? { PORT: `${port}` } : { WORKER_PORT: `${port}`, WORKER_NAME: name };
  const program = join(root, 'dist', 'api', 'src', `main-${kind}.js`);
  const child = spawn(process.execPath, [program], { env: { ...env, ...own }, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  running.set(name, { child, url });
  await until(`${name} is ready`, async () => (await fetch(`${url}/readyz`)).ok);
}

async function stop(name: string): Promise<void> {
  const { child } = running.get(name)!;
  running.delete(name);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

const replicas = () => [...running].filter(([name]) => name.includes('api')).map(([, { url }]) => url);

let asked = 0;
const told = new Map<string, number>();

/** Users at every replica there is, old or new; each must win. */
async function rush(couponId: number): Promise<void> {
  const urls = replicas();
  let left = USERS_A_STEP;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      asked += 1;
      const user = `user-${asked}`;
      const answer = await issue(urls[asked % urls.length]!, couponId, user);
      expect([user, answer.status]).toEqual([user, 200]);
      told.set(user, answer.body['rank'] as number);
      // Another replica, perhaps of the other version, knows it.
      if (asked % 10 === 0)
        expect((await issue(urls[(asked + 1) % urls.length]!, couponId, user)).status).toBe(409);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
}

beforeAll(async () => {
  if (!hasPrevious) return;
  await git('worktree', 'add', '--detach', '--force', previous, PREVIOUS);
  await run('npm', ['ci', '--silent', '--prefer-offline'], { cwd: previous });
  await run('npm', ['run', '--silent', 'build'], { cwd: previous });
  backends = await startBackends();
  prisma = createPrismaClient({ DATABASE_URL: backends.env['DATABASE_URL']!, DATABASE_POOL: 2 });
}, BUILD_WITHIN_MS);

afterAll(async () => {
  for (const name of [...running.keys()]) await stop(name);
  await prisma?.$disconnect();
  await backends?.remove();
  if (hasPrevious) await git('worktree', 'remove', '--force', previous);
  rmSync(folder, { recursive: true, force: true });
});

(hasPrevious ? describe : describe.skip)('a rolling upgrade from the previous version', () => {
  test(
    'under traffic loses nothing, gives nothing twice and buries nothing',
    async () => {
      await start('old-worker', 'worker', previous);
      await start('old-api', 'api', previous);
      const couponId = await createCampaign(replicas()[0]!, { total: 100_000 });
      await rush(couponId);
      await start('new-worker', 'worker', projectRoot);
      await rush(couponId);
      await start('new-api', 'api', projectRoot);
      await rush(couponId);
      await stop('old-worker');
      await rush(couponId);
      await stop('old-api');
      await rush(couponId);

      const rows = () => prisma.issuedCoupon.findMany({ where: { couponId: BigInt(couponId) } });
      await until('everything is in MySQL', async () => (await rows()).length >= told.size);
      expect(new Map((await rows()).map(({ userId, rank }) => [userId, rank]))).toEqual(told);
      expect(new Set(told.values()).size).toBe(5 * USERS_A_STEP);
      expect(await prisma.deadLetter.count()).toBe(0);
    },
    BUILD_WITHIN_MS,
  );
});
