import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../../common/json-file.js';
import { isFree, portOwner } from './port-owner.js';

/** Services of which there is one, and the variable that moves each. */
const single: Readonly<Record<string, { port: number; variable: string }>> = {
  front: { port: 8080, variable: 'FRONT_PORT' },
  ops: { port: 8081, variable: 'OPS_PORT' },
  redis: { port: 16_379, variable: 'NATIVE_REDIS_PORT' },
  database: { port: 13_306, variable: 'NATIVE_DATABASE_PORT' },
  influxdb: { port: 18_086, variable: 'NATIVE_INFLUXDB_PORT' },
  'influxdb-backup': { port: 18_088, variable: 'NATIVE_INFLUXDB_BACKUP_PORT' },
};
/** Services that are numbered from 1: `api-1` is at the base. */
const numbered: Readonly<Record<string, { base: number; variable: string }>> = {
  api: { base: 13_001, variable: 'NATIVE_API_PORT' },
  worker: { base: 19_101, variable: 'NATIVE_WORKER_PORT' },
};
/** For other instances: above the ports of the default one, below the ports that connections start from. */
const otherInstances = { from: 14_000, to: 16_300 };

/** Ports of one instance: fixed for `default`, free ones for others, kept in `ports.json` over restarts. */
export class Ports {
  readonly #file: string;
  readonly #taken: Record<string, number>;

  constructor(
    private readonly instance: string,
    folder: string,
    private readonly environment: Readonly<Record<string, string>>,
  ) {
    this.#file = join(folder, 'ports.json');
    this.#taken = existsSync(this.#file) ? readJson(this.#file) : {};
  }

  /** @param service `front`, `ops`, `redis`, `database`, `api-3`, `worker-1` */
  async of(service: string): Promise<number> {
    return this.instance === 'default' ? this.#fixed(service).port : await this.#assigned(service);
  }

  /** The port of a service that has been given one before. */
  known(service: string): number | undefined {
    return this.instance === 'default' ? this.#fixed(service).port : this.#taken[service];
  }

  /** @throws with who holds it and what to set, unless a server can listen there */
  async requireFree(service: string, port: number): Promise<void> {
    if (await isFree(port)) return;
    const owner = portOwner(port) ?? 'another process';
    const { variable } = this.#fixed(service);
    throw new Error(
      `port ${port} (${service}) is taken by ${owner}: stop it, or set ${variable} to another port`,
    );
  }

  #fixed(service: string): { port: number; variable: string } {
    const one = single[service];
    if (one) return { ...one, port: Number(this.environment[one.variable] ?? one.port) };
    const [kind = '', index] = service.split('-');
    const many = numbered[kind];
    if (!many) throw new Error(`no port is known for ${service}`);
    const base = Number(this.environment[many.variable] ?? many.base);
    return { port: base + Number(index) - 1, variable: many.variable };
  }

  async #assigned(service: string): Promise<number> {
    const known = this.#taken[service];
    if (known !== undefined) return known;
    const port = await this.#findFree();
    this.#taken[service] = port;
    writeJson(this.#file, this.#taken);
    return port;
  }

  /** From a random start, so that instances created at the same time seldom meet. */
  async #findFree(): Promise<number> {
    const { from, to } = otherInstances;
    const start = Math.floor(Math.random() * (to - from));
    const used = new Set(Object.values(this.#taken));
    for (let step = 0; step < to - from; step += 1) {
      const port = from + ((start + step) % (to - from));
      if (!used.has(port) && (await isFree(port))) return port;
    }
    throw new Error(`no free port between ${from} and ${to}`);
  }
}
