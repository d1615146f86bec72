import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureEnvFile, readEnvironment, readSecrets } from '../env-file.js';
import { ensurePrograms, requirePrograms } from '../install.js';
import { apiProgram, instanceFolder } from '../paths.js';
import type {
  LogsOptions,
  OpenStack,
  OpsOptions,
  ServiceStatus,
  Stack,
  StackOptions,
  StackVersions,
  UpOptions,
} from '../types.js';
import { raiseKernelLimits } from './kernel-limits.js';
import { withLock } from './lock.js';
import { showLogs } from './logs.js';
import type { ManagedService } from './managed-service.js';
import { Ports } from './ports.js';
import { versionText } from './programs.js';
import { runJob } from './run-job.js';
import { Topology } from './topology.js';

const lockTimeoutMs = 120_000;
const names = (kind: 'api' | 'worker', count: number, from = 1): string[] =>
  Array.from({ length: Math.max(0, count - from + 1) }, (_, index) => `${kind}-${from + index}`);
const indexOf = (service: string): number => Number(service.split('-')[1]);

/**
 * The topology as processes of this machine. Nothing of it lives in this object: every call looks at the records of
 * the instance's folder and at the system, so that any process may take over from any other, also after a crash.
 */
class NativeStack implements Stack {
  readonly mode = 'native';

  constructor(
    readonly frontUrl: string,
    readonly opsUrl: string,
    readonly adminToken: string,
    private readonly folder: string,
    private readonly topology: Topology,
    private readonly ports: Ports,
    private readonly report: (line: string) => void,
  ) {}

  up({ api, worker = 1, signal }: UpOptions): Promise<void> {
    if (!existsSync(apiProgram('main-api')))
      throw new Error('nothing is built yet: run `npm run build` (or `make build`)');
    return this.#alone(async () => {
      await ensurePrograms(this.report);
      for (const line of raiseKernelLimits()) this.report(line);
      const started: ManagedService[] = [];
      try {
        await this.#startAll(api, worker, started, signal);
      } catch (error) {
        this.report('stopping what this call has started');
        for (const service of started.reverse()) await service.stop();
        throw error;
      }
    });
  }

  scale(api: number): Promise<void> {
    return this.#alone(async () => {
      if (!(await this.isUp())) throw new Error('the stack is not up: run `make up` first');
      await this.#startReplicas(api, []);
      await this.#routeTo(names('api', api));
      await this.#stopSurplus('api', api);
    });
  }

  down(): Promise<void> {
    return this.#alone(async () => {
      const services = await this.topology.services(this.topology.recorded());
      for (const kind of ['nginx', 'api', 'worker', 'database', 'redis']) {
        await this.#stop(services.filter(({ name }) => name.startsWith(kind)));
      }
    });
  }

  async status(): Promise<ServiceStatus[]> {
    const services = await this.topology.services(this.topology.recorded().reverse());
    return await Promise.all(services.map((service) => service.status()));
  }

  async isUp(): Promise<boolean> {
    const running = await this.#running();
    return ['redis', 'database', 'worker-', 'api-', 'nginx'].every((kind) =>
      running.some((name) => name.startsWith(kind)),
    );
  }

  async replicas(): Promise<number> {
    return (await this.#running()).filter((name) => name.startsWith('api-')).length;
  }

  logs(options: LogsOptions = {}): Promise<void> {
    return showLogs(join(this.folder, 'logs'), options);
  }

  async ops(args: readonly string[], { onLine }: OpsOptions = {}): Promise<void> {
    await runJob({
      args: [apiProgram('main-ops'), ...args],
      env: await this.topology.appEnvironment(),
      onLine,
    });
  }

  async versions(): Promise<StackVersions> {
    const { redis, nginx, database } = await requirePrograms();
    const [redisText, nginxText] = [await versionText(redis), await versionText(nginx, '-v')];
    return {
      redis: /v=(\S+)/.exec(redisText)?.[1] ?? 'unknown',
      database: `${database.product} ${database.version}`,
      nginx: /nginx\/(\S+)/.exec(nginxText)?.[1] ?? 'unknown',
      node: process.version,
    };
  }

  service(name: string): Promise<ManagedService> {
    return this.topology.service(name);
  }

  async #startAll(
    api: number,
    worker: number,
    started: ManagedService[],
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#start(['redis', 'database'], started, signal);
    await this.#migrate(signal);
    await this.#start(names('worker', worker), started, signal);
    await this.#startReplicas(api, started, signal);
    await this.#startFrontDoor(names('api', api), started, signal);
    await this.#stopSurplus('api', api);
    await this.#stopSurplus('worker', worker);
  }

  /** All at once; `started` receives those that this call started, also when another one fails. */
  async #start(which: readonly string[], started: ManagedService[], signal?: AbortSignal): Promise<void> {
    const services = await this.topology.services(which);
    const missing = services.filter(({ pid }) => pid === undefined);
    // A dead nginx's workers may still hold its port: starting it removes them, so its port is not asked about.
    for (const { name, port } of missing) {
      if (!this.topology.recorded().includes(name)) await this.ports.requireFree(name, port);
    }
    const begun = Date.now();
    const results = await Promise.allSettled(
      services.map(async (service) => {
        if (await service.startUnlessRunning(signal)) started.push(service);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    if (missing.length === 0) return;
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    this.report(`${missing.map(({ name }) => name).join(', ')}: ready after ${seconds} s`);
  }

  async #startReplicas(api: number, started: ManagedService[], signal?: AbortSignal): Promise<void> {
    if (!Number.isInteger(api) || api < 1) throw new Error(`at least one replica is needed, not ${api}`);
    await this.#start(names('api', api), started, signal);
  }

  async #migrate(signal?: AbortSignal): Promise<void> {
    await runJob({ args: [apiProgram('main-migrate')], env: await this.topology.appEnvironment(), signal });
    this.report('migrate: the schema is up to date');
  }

  async #startFrontDoor(
    replicas: readonly string[],
    started: ManagedService[],
    signal?: AbortSignal,
  ): Promise<void> {
    const front = await this.topology.service('nginx');
    if (front.pid !== undefined) return await this.#routeTo(replicas);
    const ops = await this.ports.of('ops');
    if (!this.topology.recorded().includes('nginx')) {
      await this.ports.requireFree('front', front.port);
      await this.ports.requireFree('ops', ops);
    }
    const nginx = await this.topology.nginx();
    await nginx.configure(await this.#portsOf(replicas));
    await front.startUnlessRunning(signal);
    started.push(front);
    this.report(`nginx: ready at ${this.frontUrl}`);
  }

  /** Returns when new nginx workers serve with this list of replicas. */
  async #routeTo(replicas: readonly string[]): Promise<void> {
    const nginx = await this.topology.nginx();
    if (!(await nginx.configure(await this.#portsOf(replicas)))) return;
    const { pid } = await this.topology.service('nginx');
    if (pid === undefined) throw new Error('nginx is not running: run `make up`');
    await nginx.reload(pid);
    this.report(`nginx: routes to ${replicas.length} replicas`);
  }

  async #stopSurplus(kind: 'api' | 'worker', keep: number): Promise<void> {
    const surplus = this.topology
      .recorded()
      .filter((name) => name.startsWith(`${kind}-`) && indexOf(name) > keep);
    await this.#stop(await this.topology.services(surplus));
  }

  async #stop(services: readonly ManagedService[]): Promise<void> {
    await Promise.all(services.map((service) => service.stop()));
    if (services.length > 0) this.report(`${services.map(({ name }) => name).join(', ')}: stopped`);
  }

  async #running(): Promise<string[]> {
    const services = await this.topology.services(this.topology.recorded());
    return services.filter(({ pid }) => pid !== undefined).map(({ name }) => name);
  }

  async #portsOf(services: readonly string[]): Promise<number[]> {
    const ports: number[] = [];
    for (const name of services) ports.push(await this.ports.of(name));
    return ports;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    return withLock(join(this.folder, 'lock'), lockTimeoutMs, work);
  }
}

/** @throws on anything but Linux: processes are found through /proc */
export const openNativeStack: OpenStack = async ({
  name = 'default',
  env = {},
  onProgress,
}: StackOptions) => {
  if (process.platform !== 'linux') throw new Error('native mode needs Linux: use MODE=compose');
  if (!/^[\w.-]+$/.test(name))
    throw new Error(`an instance's name is letters, digits, dots and dashes, not ${name}`);
  ensureEnvFile();
  const environment = readEnvironment(env);
  const folder = instanceFolder(name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ports = new Ports(name, folder, environment);
  const report = onProgress ?? (() => undefined);
  const topology = new Topology({ name, folder, ports, environment, overrides: env, report });
  const [front, ops] = [await ports.of('front'), await ports.of('ops')];
  const { ADMIN_TOKEN } = readSecrets(environment);
  return new NativeStack(
    `http://127.0.0.1:${front}`,
    `http://127.0.0.1:${ops}`,
    ADMIN_TOKEN,
    folder,
    topology,
    ports,
    report,
  );
};
