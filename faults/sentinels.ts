import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import getPort from 'get-port';
import { waitUntil } from '../common/wait-until.js';
import { readEnvironment, readSecrets } from '../stack/env-file.js';
import { requirePrograms } from '../stack/install.js';
import { redisAccounts } from '../stack/native/accounts.js';
import { sharedRedisConfig } from '../stack/native/redis-service.js';
import { withRedisAt } from './redis-link.js';

const LOOPBACK = { host: '127.0.0.1' };
const SENTINELS = 3;
const QUORUM = 2;
const NAME = 'coupons';

/** Two Redis servers, one a replica of the other, and three sentinels that promote it. */
export class SentinelSet {
  readonly #children = new Map<number, ChildProcess>();
  #sentinels: number[] = [];
  #data: number[] = [];

  constructor(
    private readonly folder: string,
    private readonly password = readSecrets(readEnvironment()).REDIS_PASSWORD,
    /** Lines of redis.conf: the accounts of the programs. */
    private readonly accounts = redisAccounts(readSecrets(readEnvironment())),
  ) {}

  /** For the programs: where the sentinels are, and that an issue counts when the replica has it. */
  get env(): Record<string, string> {
    return {
      REDIS_SENTINELS: this.#sentinels.map((port) => `127.0.0.1:${port}`).join(','),
      REDIS_SENTINEL_NAME: NAME,
      REDIS_MIN_REPLICAS: '1',
    };
  }

  async start(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    this.#data = [await getPort(LOOPBACK), await getPort(LOOPBACK)];
    const [primary, replica] = this.#data as [number, number];
    await this.#startData(primary, null);
    await this.#startData(replica, primary);
    await this.untilReplicated(primary);
    for (let i = 0; i < SENTINELS; i += 1) this.#sentinels.push(await getPort(LOOPBACK));
    for (const port of this.#sentinels) await this.#startSentinel(port, primary);
    await waitUntil(
      async () => (await this.#ask(this.#sentinels[0]!, 'SENTINEL', 'CKQUORUM', NAME)) !== null,
      {
        what: 'the sentinels know each other',
        timeoutMs: 15_000,
      },
    );
    await waitUntil(
      async () =>
        ((await this.#ask(this.#sentinels[0]!, 'SENTINEL', 'REPLICAS', NAME)) as unknown[])?.length === 1,
      {
        what: 'the sentinels know the replica',
        timeoutMs: 15_000,
      },
    );
  }

  /** Port of the server that a sentinel names. */
  async primary(): Promise<number> {
    const address = (await this.#ask(
      this.#sentinels[0]!,
      'SENTINEL',
      'GET-MASTER-ADDR-BY-NAME',
      NAME,
    )) as string[];
    return Number(address[1]);
  }

  /** SIGKILL, and its disk is gone too. */
  async losePrimary(): Promise<number> {
    const port = await this.primary();
    await this.#end(port);
    rmSync(join(this.folder, String(port)), { recursive: true, force: true });
    return port;
  }

  async untilAnotherIsPromoted(than: number): Promise<void> {
    await waitUntil(async () => (await this.primary().catch(() => than)) !== than, {
      what: 'the replica is promoted',
      timeoutMs: 30_000,
    });
  }

  /** The lost one comes back empty, as a replica. */
  async rejoin(port: number): Promise<void> {
    const primary = await this.primary();
    await this.#startData(port, primary);
    await this.untilReplicated(primary);
  }

  async untilReplicated(primary: number): Promise<void> {
    const replicated = () =>
      withRedisAt(
        primary,
        async (redis) => /slave0:.*state=online/.test(await redis.info('replication')),
        this.password,
      ).catch(() => false);
    await waitUntil(replicated, { what: 'the replica follows', timeoutMs: 20_000 });
  }

  async stop(): Promise<void> {
    for (const port of [...this.#children.keys()]) await this.#end(port);
  }

  async #startData(port: number, primary: number | null): Promise<void> {
    const lines = [
      `include "${sharedRedisConfig}"`,
      `requirepass ${this.password}`,
      `masterauth ${this.password}`,
      'repl-diskless-sync-delay 0',
      // Nothing is written that nobody could confirm: no user takes a rank in vain.
      'min-replicas-to-write 1',
      'min-replicas-max-lag 2',
      this.accounts,
      ...(primary === null ? [] : [`replicaof 127.0.0.1 ${primary}`]),
    ];
    await this.#launch(port, lines, []);
  }

  async #startSentinel(port: number, primary: number): Promise<void> {
    const lines = [
      `sentinel monitor ${NAME} 127.0.0.1 ${primary} ${QUORUM}`,
      `sentinel auth-pass ${NAME} ${this.password}`,
      `sentinel down-after-milliseconds ${NAME} 1000`,
      `sentinel failover-timeout ${NAME} 5000`,
    ];
    await this.#launch(port, lines, ['--sentinel']);
  }

  async #launch(port: number, lines: string[], args: string[]): Promise<void> {
    const folder = join(this.folder, String(port));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'redis.conf');
    const common = ['bind 127.0.0.1', `port ${port}`, `dir "${folder}"`, 'daemonize no'];
    writeFileSync(file, `${[...common, ...lines].join('\n')}\n`, { mode: 0o600 });
    const { redis } = await requirePrograms();
    const log = openSync(join(this.folder, `${port}.log`), 'a');
    const child = spawn(redis, [file, ...args], { stdio: ['ignore', log, log] });
    this.#children.set(port, child);
    await waitUntil(async () => (await this.#ask(port, 'PING')) === 'PONG', {
      what: `redis on port ${port} answers`,
      timeoutMs: 20_000,
    });
  }

  async #end(port: number): Promise<void> {
    const child = this.#children.get(port);
    this.#children.delete(port);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Null: it does not answer, or with an error. */
  async #ask(port: number, command: string, ...args: string[]): Promise<unknown> {
    const password = this.#sentinels.includes(port) ? null : this.password;
    return await withRedisAt(port, (redis) => redis.call(command, ...args), password).catch(() => null);
  }
}
