import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import getPort from 'get-port';
import { createConnection } from 'mariadb';
import { findRedisServer } from '../../../stack/native/programs.js';
import { answersPing, sharedRedisConfig } from '../../../stack/native/redis-service.js';

const run = promisify(execFile);
const START_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;

/** One real server of a test file, with data of its own. Stopped by its process id. */
interface TestServer {
  readonly port: number;
  start(): Promise<void>;
  /** Lets it end by itself; its data stay. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: it hangs, its connections stay. */
  pause(): void;
  resume(): void;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

export interface TestRedis extends TestServer {
  readonly password: string;
  /** REDIS_HOST, REDIS_PORT and REDIS_PASSWORD for config.ts. */
  readonly env: Record<string, string>;
}

export interface TestDatabase extends TestServer {
  /** Creates an empty database and returns its DATABASE_URL. */
  createDatabase(name?: string): Promise<string>;
}

type Truthy<T> = Exclude<T, null | undefined | false | 0 | ''>;

/** Polls until `check` gives something truthy. Throws with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  check: () => Promise<T> | T,
  withinMs = 20_000,
): Promise<Truthy<T>> {
  const deadline = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value) return value as Truthy<T>;
      last = value;
    } catch (err) {
      last = err;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: last });
    await sleep(20);
  }
}

class Server implements TestServer {
  #child: ChildProcess | undefined;

  constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly launch: () => ChildProcess,
    private readonly answers: () => Promise<boolean>,
  ) {}

  async start(): Promise<void> {
    const child = (this.#child = this.launch());
    child.on('error', () => undefined);
    await until(
      `${child.spawnfile} answers on port ${this.port}`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
        return this.answers();
      },
      START_WITHIN_MS,
    );
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    child.kill('SIGCONT');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(killer);
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });

/** A redis-server (REDIS_SERVER, else the one on the PATH) with redis.conf and a password. `more`: further settings. */
export async function startRedis(more: Readonly<Record<string, string | number>> = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'test-redis-'));
  const port = await getPort({ host: '127.0.0.1' });
  const password = randomBytes(12).toString('hex');
  const settings = {
    bind: '127.0.0.1',
    port,
    dir: folder,
    requirepass: password,
    ...more,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const program = findRedisServer() ?? 'redis-server';
  const server = new Server(
    port,
    folder,
    () => spawn(program, [sharedRedisConfig, ...args], { stdio: 'ignore' }),
    () => answersPing(port, password),
  );
  await server.start();
  const env = { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(port), REDIS_PASSWORD: password };
  return Object.assign(server, { password, env });
}

/** Making the system tables takes seconds: done once a machine, then copied. */
async function freshDataFolder(): Promise<string> {
  const cache = join(tmpdir(), `test-mariadb-template-${process.getuid?.() ?? 0}`);
  if (!existsSync(cache)) {
    const making = await mkdtemp(`${cache}-making-`);
    await run('mariadb-install-db', [
      ...['--no-defaults', `--datadir=${making}`, '--auth-root-authentication-method=normal'],
      ...['--skip-test-db', ...asRoot()],
    ]);
    // Another test file may have been faster: then its copy is as good.
    await rename(making, cache).catch(() => rm(making, { recursive: true, force: true }));
  }
  const folder = await mkdtemp(join(tmpdir(), 'test-mariadb-'));
  await cp(cache, join(folder, 'data'), { recursive: true });
  await mkdir(join(folder, 'tmp'));
  return folder;
}

/** mariadbd refuses to run as root unless told. */
const asRoot = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/** A mariadbd with a private data folder, started. Durable like production (flush at every commit). */
export async function startDatabase(more: readonly string[] = []): Promise<TestDatabase> {
  const folder = await freshDataFolder();
  const port = await getPort({ host: '127.0.0.1' });
  const args = [
    ...['--no-defaults', `--datadir=${join(folder, 'data')}`, `--tmpdir=${join(folder, 'tmp')}`],
    ...[`--port=${port}`, '--bind-address=127.0.0.1', `--socket=${join(folder, 's')}`],
    ...[`--pid-file=${join(folder, 'pid')}`, '--innodb-flush-log-at-trx-commit=1', '--skip-name-resolve'],
    ...[
      '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=32M',
      '--performance-schema=OFF',
      ...asRoot(),
      ...more,
    ],
  ];
  const admin = {
    host: '127.0.0.1',
    port,
    user: 'root',
    allowPublicKeyRetrieval: true,
    connectTimeout: 1_000,
  };
  const answers = async () => {
    if (!(await isOpen(port))) return false;
    const connection = await createConnection(admin);
    await connection.end();
    return true;
  };
  const server = new Server(port, folder, () => spawn('mariadbd', args, { stdio: 'ignore' }), answers);
  await server.start();
  return Object.assign(server, {
    createDatabase: async (name = `t${randomBytes(4).toString('hex')}`) => {
      const connection = await createConnection(admin);
      try {
        await connection.query(`CREATE DATABASE \`${name}\``);
        return `mysql://root@127.0.0.1:${port}/${name}`;
      } finally {
        await connection.end();
      }
    },
  });
}
