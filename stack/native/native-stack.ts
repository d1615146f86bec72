import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { apiProgram, instanceFolder } from '../../common/paths.js';
import { ensureEnvFile, readEnvironment, readSecrets } from '../env-file.js';
import { ensurePrograms, requirePrograms } from '../install.js';
import type {
  LogsOptions,
  NativeStack,
  OpsOptions,
  ServiceStatus,
  StackOptions,
  StackVersions,
  UpOptions,
} from '../types.js';
import { raiseKernelLimits } from './kernel-limits.js';
import { Launcher, names } from './launcher.js';
import { withLock } from './lock.js';
import { showLogs } from './logs.js';
import type { ManagedService } from './managed-service.js';
import { Ports } from './ports.js';
import { versionText } from './programs.js';
import { runJob } from './run-job.js';
import { Topology } from './topology.js';

const lockTimeoutMs = 120_000;
function atLeastOne(api: number): number {
  if (Number.isInteger(api) && api >= 1) return api;
  throw new Error(`at least one replica is needed, not ${api}`);
}

/**
 * The topology as processes of this machine. Nothing of it lives in this object: every call looks at the records of
 * the instance's folder and at the system, so that any process may take over from any other, also after a crash.
 */
class ProcessStack implements NativeStack {
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
    if (!existsSync(apiProgram('main-api'))) throw new Error('nothing is built yet: run `make build`');
    return this.#alone(async (launcher) => {
      await ensurePrograms(this.report);
      for (const line of raiseKernelLimits()) this.report(line);
      const [workers, replicas] = [names('worker', worker), names('api', atLeastOne(api))];
      await launcher.requireFreePorts(['redis', 'database', ...workers, ...replicas, 'nginx']);
      await launcher.start(['redis', 'database']);
      await launcher.migrate();
      await launcher.start(workers);
      await launcher.start(replicas);
      await launcher.route(replicas);
      await launcher.stopSurplus('api', api);
      await launcher.stopSurplus('worker', worker);
    }, signal);
  }

  scale(api: number): Promise<void> {
    return this.#alone(async (launcher) => {
      if (!(await this.isUp())) throw new Error('the stack is not up: run `make up` first');
      const replicas = names('api', atLeastOne(api));
      await launcher.requireFreePorts(replicas);
      await launcher.start(replicas);
      await launcher.route(replicas);
      await launcher.stopSurplus('api', api);
    });
  }

  route(replicas: readonly string[]): Promise<void> {
    return this.#alone((launcher) => launcher.route(replicas, true));
  }

  down(): Promise<void> {
    return this.#alone(async (launcher) => {
      for (const group of this.topology.recordedInStopOrder()) await launcher.stop(group);
    });
  }

  async destroy(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
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
      env: await this.topology.appEnvironment('ops'),
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

  async #running(): Promise<string[]> {
    const services = await this.topology.services(this.topology.recorded());
    return services.filter(({ pid }) => pid !== undefined).map(({ name }) => name);
  }

  /** One command at a time; what a failed one had started is stopped again. */
  #alone(work: (launcher: Launcher) => Promise<void>, signal?: AbortSignal): Promise<void> {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    return withLock(join(this.folder, 'lock'), lockTimeoutMs, async () => {
      const launcher = new Launcher(this.topology, this.ports, this.report, signal);
      try {
        await work(launcher);
      } catch (error) {
        await launcher.takeBack();
        throw error;
      }
    });
  }
}

/** @throws on anything but Linux: processes are found through /proc */
export async function openNativeStack(options: StackOptions): Promise<NativeStack> {
  const { name = 'default', env = {}, onProgress } = options;
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
  return new ProcessStack(
    `http://127.0.0.1:${front}`,
    `http://127.0.0.1:${ops}`,
    ADMIN_TOKEN,
    folder,
    topology,
    ports,
    report,
  );
}
