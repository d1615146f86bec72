import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serviceKind } from '../../common/cpu-time.js';
import { readSecrets } from '../env-file.js';
import { databaseAccounts, redisAccounts, type Account } from './accounts.js';
import { appEnvironment } from './app-environment.js';
import { databaseService } from './database-service.js';
import { influxdbService } from './influxdb-service.js';
import { ManagedService } from './managed-service.js';
import { Nginx } from './nginx-service.js';
import { apiService, workerService } from './node-services.js';
import type { Ports } from './ports.js';
import { requirePrograms } from '../install.js';
import { redisService } from './redis-service.js';
import type { ServiceSpec } from './service-spec.js';

export interface InstanceOptions {
  readonly name: string;
  readonly folder: string;
  readonly ports: Ports;
  readonly environment: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
  readonly report: (line: string) => void;
}

/** In stop order: whoever is called goes after its callers. */
const KINDS = ['nginx', 'api', 'worker', 'database', 'redis', 'influxdb'];
/** 0: a service that somebody else started in this instance, and which may use any of ours. */
const stopRank = (service: string): number => KINDS.indexOf(serviceKind(service)) + 1;

/** What another program started in this instance (bench/), perhaps one that was killed: it can be ended. */
const endOnly = (name: string): ServiceSpec => ({
  name,
  port: 0,
  command: '',
  args: [],
  env: {},
  isReady: () => Promise.resolve(false),
  readyTimeoutMs: 0,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 10_000,
});

/** The services of one native instance by name, made when they are asked for. */
export class Topology {
  readonly #made = new Map<string, Promise<ManagedService>>();
  #nginx: Promise<Nginx> | undefined;

  constructor(private readonly options: InstanceOptions) {}

  service(name: string): Promise<ManagedService> {
    const known = this.#made.get(name);
    if (known) return known;
    const made = this.#spec(name).then(
      (spec) => new ManagedService(spec, this.options.folder, this.options.report),
    );
    this.#made.set(name, made);
    return made;
  }

  services(names: readonly string[]): Promise<ManagedService[]> {
    return Promise.all(names.map((name) => this.service(name)));
  }

  nginx(): Promise<Nginx> {
    return (this.#nginx ??= this.#makeNginx());
  }

  /** Services that were started and not stopped in order, alive or not, in stop order. */
  recorded(): string[] {
    let files: string[] = [];
    try {
      files = readdirSync(join(this.options.folder, 'run'));
    } catch {
      // Nothing was ever started.
    }
    const names = files
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length));
    return names.sort((a, b) => stopRank(a) - stopRank(b) || a.localeCompare(b, 'en', { numeric: true }));
  }

  /** The same in groups: services of one group can be stopped at once. */
  recordedInStopOrder(): string[][] {
    const names = this.recorded();
    const ranks = [...new Set(names.map(stopRank))];
    return ranks.map((rank) => names.filter((name) => stopRank(name) === rank));
  }

  /** Environment of a Node program with this account. */
  async appEnvironment(account: Account): Promise<Record<string, string>> {
    const { environment, overrides, ports } = this.options;
    return appEnvironment(environment, overrides, {
      account,
      redisPort: await ports.of('redis'),
      databasePort: await ports.of('database'),
      secrets: readSecrets(environment),
    });
  }

  async #spec(name: string): Promise<ServiceSpec> {
    const { folder, ports, environment } = this.options;
    const [kind, index] = name.split('-');
    if (stopRank(name) === 0 && this.recorded().includes(name)) return endOnly(name);
    if (kind === 'nginx') return (await this.nginx()).service();
    const port = await ports.of(name);
    if (kind === 'api' || kind === 'worker') {
      const options = { index: Number(index), port, env: await this.appEnvironment(kind) };
      return kind === 'api' ? apiService(options) : workerService(options);
    }
    if (kind === 'influxdb') {
      return influxdbService({ folder, port, backupPort: await ports.of('influxdb-backup') });
    }
    const { redis, database } = await requirePrograms();
    const secrets = readSecrets(environment);
    if (kind === 'redis') {
      const maxMemory = environment['REDIS_MAXMEMORY'] ?? '1gb';
      const { REDIS_PASSWORD: password } = secrets;
      const accounts = redisAccounts(secrets);
      return redisService({ program: redis, folder, port, password, accounts, maxMemory });
    }
    if (kind !== 'database') throw new Error(`there is no service ${name}`);
    const passwords = { accounts: databaseAccounts(secrets), rootPassword: secrets.MYSQL_ROOT_PASSWORD };
    return databaseService({ program: database, folder, port, ...passwords });
  }

  async #makeNginx(): Promise<Nginx> {
    const { name, folder, ports, environment } = this.options;
    const { nginx } = await requirePrograms();
    return new Nginx({
      program: nginx,
      folder,
      frontHost: name === 'default' ? (environment['PUBLIC_BIND'] ?? '0.0.0.0') : '127.0.0.1',
      frontPort: await ports.of('front'),
      opsPort: await ports.of('ops'),
      environment,
    });
  }
}
