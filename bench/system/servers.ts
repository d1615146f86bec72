import { join } from 'node:path';
import { Redis } from 'ioredis';
import { loadCommands } from '../../api/src/redis/load-commands.js';
import { abortOnSignals, rejectOnAbort } from '../../common/command-line.js';
import { instanceFolder, projectRoot } from '../../common/paths.js';
import { withStack } from '../../loadtest/with-stack.js';
import { readEnvironment, readSecrets } from '../../stack/env-file.js';
import { appEnvironment } from '../../stack/native/app-environment.js';
import { withLock } from '../../stack/native/lock.js';
import { ManagedService } from '../../stack/native/managed-service.js';
import { openNativeStack } from '../../stack/native/native-stack.js';
import { isFree } from '../../stack/native/port-owner.js';
import { Ports } from '../../stack/native/ports.js';
import type { ServiceSpec } from '../../stack/native/service-spec.js';
import type { NativeService, NativeStack } from '../../stack/types.js';

const INSTANCE = 'bench';
const REPLICAS = 2;
const LOCK_WAIT_MS = 5_000;
const ENVIRONMENT = {
  // Stocks that no run uses up: without a limit of memory they are admitted.
  REDIS_MAXMEMORY: '0',
  // What is measured is how fast calls are served: bursts of any size are, and none is refused as overload.
  ISSUE_RUSH_MAX: '10000000',
  ISSUE_QUEUE_MAX_MS: '600000',
};

type Report = (line: string) => void;

/**
 * A native stack of the benchmark's own, and beside it baselines, alternatives and further replicas: in the same instance,
 * so that whatever ends the stack ends them too.
 */
export class Servers {
  readonly folder = instanceFolder(INSTANCE);
  readonly #clients: Redis[] = [];
  readonly #environment = readEnvironment();
  readonly #secrets = readSecrets(this.#environment);
  readonly #ports = new Ports(INSTANCE, join(this.folder, 'beside'), this.#environment);

  constructor(
    readonly stack: NativeStack,
    readonly report: Report,
  ) {}

  /** `redis`, `database`, `nginx`, `api-1`, `worker-1`, … of the stack. */
  service(name: string): Promise<NativeService> {
    return this.stack.service(name);
  }

  assignPort(name: string): Promise<number> {
    return this.#ports.of(name);
  }

  /** Starts one more service and returns when it is ready. */
  async start(spec: ServiceSpec): Promise<ManagedService> {
    const service = new ManagedService(spec, this.folder, this.report);
    await service.start();
    return service;
  }

  /** Starts one of our compiled programs of bench/, which takes its port from PORT and is ready when it listens. */
  async startNode(
    name: string,
    program: string,
    env: Readonly<Record<string, string>>,
  ): Promise<ManagedService> {
    const port = await this.assignPort(name);
    return await this.start({
      name,
      port,
      command: process.execPath,
      args: [join(projectRoot, 'dist', 'bench', `${program}.js`), name],
      env: { ...env, PORT: String(port) },
      isReady: async () => !(await isFree(port, '127.0.0.1')),
      readyTimeoutMs: 60_000,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 15_000,
    });
  }

  /** A client of ours for preparing and looking, with the commands of the service. */
  connectRedis(port: number, password = this.#secrets.REDIS_PASSWORD): Redis {
    const redis = new Redis({ host: '127.0.0.1', port, password, scripts: loadCommands() });
    // Its server may end before it; a command that fails rejects by itself.
    redis.on('error', () => undefined);
    this.#clients.push(redis);
    return redis;
  }

  /** Environment of a Node program that uses this Redis and the stack's database. */
  async makeEnvironment(
    redisPort: number,
    own: Readonly<Record<string, string>>,
  ): Promise<Record<string, string>> {
    const { port: databasePort } = await this.service('database');
    // Alternatives have commands of their own, and so has what is compared with them.
    const where = { account: 'owner', redisPort, databasePort, secrets: this.#secrets } as const;
    return appEnvironment(this.#environment, own, where);
  }

  disconnect(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

/** Everything is ended and its data removed, whatever happens; what a killed run left is removed before. */
export async function withServers<T>(report: Report, work: (servers: Servers) => Promise<T>): Promise<T> {
  const signal = abortOnSignals(() => 'servers are ended, nothing is kept');
  const stack = await openNativeStack({ name: INSTANCE, env: ENVIRONMENT });
  return await withLock(instanceFolder(`${INSTANCE}.lock`), LOCK_WAIT_MS, async () => {
    await stack.destroy();
    const servers = new Servers(stack, report);
    try {
      return await withStack(stack, { api: REPLICAS, onProgress: report, signal }, () =>
        Promise.race([rejectOnAbort(signal), work(servers)]),
      );
    } finally {
      servers.disconnect();
      await stack.destroy();
    }
  });
}
