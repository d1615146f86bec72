import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { loadCommands } from '../../api/src/redis/load-commands.js';
import { instanceFolder } from '../../common/paths.js';
import { readEnvironment, readSecrets, type Secrets } from '../../stack/env-file.js';
import { appEnvironment } from '../../stack/native/app-environment.js';
import { withLock } from '../../stack/native/lock.js';
import { ManagedService } from '../../stack/native/managed-service.js';
import { openNativeStack } from '../../stack/native/native-stack.js';
import { Ports } from '../../stack/native/ports.js';
import { plainEnvironment, type ServiceSpec } from '../../stack/native/service-spec.js';
import type { NativeStack } from '../../stack/types.js';

/** A native stack of its own, and beside it the floors, the rivals and further replicas. */
const STACK = 'bench';
const EXTRA = 'bench-extra';
/** What is measured is how fast calls are served: bursts of any size are, and none is refused as overload. */
const UNREFUSED = { ISSUE_RUSH_MAX: '10000000', ISSUE_QUEUE_MAX_MS: '600000' };
const LOCK_WAIT_MS = 5_000;

/** Stocks that no run uses up: without a limit of memory they are admitted. */
const UNLIMITED = { REDIS_MAXMEMORY: '0' };

/**
 * Servers of one benchmark: on free ports of this machine's loopback, data under `.stack/`, each a process known by its
 * id. `run` stops all of them and removes the data, whatever happens; what a killed run left is removed by the next.
 */
export class Sandbox {
  readonly folder = instanceFolder(EXTRA);
  readonly #extra: ManagedService[] = [];
  readonly #clients: Redis[] = [];
  readonly #ports: Ports;
  readonly #environment: Record<string, string>;
  readonly secrets: Secrets;

  private constructor(
    readonly stack: NativeStack,
    readonly report: (line: string) => void,
  ) {
    this.#environment = readEnvironment();
    this.secrets = readSecrets(this.#environment);
    this.#ports = new Ports(EXTRA, this.folder, this.#environment);
  }

  static async run<T>(report: (line: string) => void, work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
    mkdirSync(instanceFolder('.'), { recursive: true });
    const lock = instanceFolder('bench.lock');
    return await withLock(lock, LOCK_WAIT_MS, async () => {
      const stack = await openNativeStack({ name: STACK, env: UNLIMITED });
      await removeEverything(stack);
      mkdirSync(instanceFolder(EXTRA), { recursive: true });
      const sandbox = new Sandbox(
        await openNativeStack({ name: STACK, env: { ...UNLIMITED, ...UNREFUSED } }),
        report,
      );
      let closing: Promise<void> | undefined;
      const close = () => (closing ??= sandbox.#close());
      const onSignal = () => {
        report('stopping: servers are ended, nothing is kept');
        void close().finally(() => {
          rmSync(lock, { force: true });
          process.exit(130);
        });
      };
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
      try {
        return await work(sandbox);
      } finally {
        await close();
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
      }
    });
  }

  portOf(name: string): Promise<number> {
    return this.#ports.of(name);
  }

  /** Starts one more service and returns when it is ready. */
  async start(spec: ServiceSpec): Promise<ManagedService> {
    const service = new ManagedService(spec, this.folder, this.report);
    this.#extra.push(service);
    await service.start();
    return service;
  }

  async stop(service: ManagedService): Promise<void> {
    await service.stop();
    this.#extra.splice(this.#extra.indexOf(service), 1);
  }

  /** A client of ours for preparing and looking, with the commands of the service. */
  connectRedis(port: number, password = this.secrets.REDIS_PASSWORD): Redis {
    const redis = new Redis({ host: '127.0.0.1', port, password, scripts: loadCommands() });
    // Its server may end before it; a command that fails rejects by itself.
    redis.on('error', () => undefined);
    this.#clients.push(redis);
    return redis;
  }

  /** Environment of a Node program that uses this Redis and the stack's database. */
  appEnvironment(
    redisPort: number,
    databasePort: number,
    own: Record<string, string>,
  ): Record<string, string> {
    // Rivals have commands of their own, and so has what is compared with them.
    const where = { account: 'owner', redisPort, databasePort, secrets: this.secrets } as const;
    return appEnvironment(this.#environment, own, where);
  }

  async #close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await Promise.all(this.#extra.map((service) => service.stop()));
    await removeEverything(this.stack);
  }
}

/** Stops what the records of both folders name, also those of a run that was killed, and removes the folders. */
async function removeEverything(stack: NativeStack): Promise<void> {
  const folder = instanceFolder(EXTRA);
  const records = join(folder, 'run');
  for (const file of existsSync(records) ? readdirSync(records) : []) {
    const name = file.replace(/\.json$/, '');
    await new ManagedService(endOnly(name), folder, () => undefined).stop();
  }
  await stack.down();
  for (const name of [STACK, EXTRA]) rmSync(instanceFolder(name), { recursive: true, force: true });
}

/** Enough of a service to end it. */
const endOnly = (name: string): ServiceSpec => ({
  name,
  port: 0,
  command: '',
  args: [],
  env: plainEnvironment(),
  isReady: () => Promise.resolve(false),
  readyTimeoutMs: 0,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 10_000,
});
