import { apiProgram } from '../../common/paths.js';
import type { ManagedService } from './managed-service.js';
import { drainMs } from './nginx-service.js';
import type { Ports } from './ports.js';
import { runJob } from './run-job.js';
import type { Topology } from './topology.js';

type Kind = 'api' | 'worker';
export const names = (kind: Kind, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
const parseNumber = (service: string): number => Number(service.split('-')[1]);

/**
 * The steps of one command, in terms of services: start, route, stop. It remembers what it has started, so that a
 * command that fails or is broken off can take that back.
 */
export class Launcher {
  readonly #started: ManagedService[] = [];

  constructor(
    private readonly topology: Topology,
    private readonly ports: Ports,
    private readonly report: (line: string) => void,
    private readonly signal?: AbortSignal,
  ) {}

  /** Of services that have never run or were stopped in order: what a crash left behind goes when they are started. */
  async requireFreePorts(which: readonly string[]): Promise<void> {
    const recorded = this.topology.recorded();
    for (const name of which.filter((one) => !recorded.includes(one))) {
      const doors = name === 'nginx' ? ['front', 'ops'] : [name];
      for (const door of doors) await this.ports.requireFree(door, await this.ports.of(door));
    }
  }

  /** All at once, each until it is ready. */
  async start(which: readonly string[]): Promise<void> {
    const services = await this.topology.services(which);
    const missing = services.filter(({ pid }) => pid === undefined);
    const begun = Date.now();
    const results = await Promise.allSettled(
      services.map(async (service) => {
        if (await service.startUnlessRunning(this.signal)) this.#started.push(service);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    if (missing.length === 0) return;
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    this.report(`${missing.map(({ name }) => name).join(', ')}: ready after ${seconds} s`);
  }

  async migrate(): Promise<void> {
    const env = { ...(await this.topology.appEnvironment('owner')), DATABASE_GRANTS: 'on' };
    await runJob({ args: [apiProgram('main-migrate')], env, signal: this.signal });
    this.report('migrate: the schema is up to date');
  }

  /**
   * Returns when nginx serves with this list of replicas, in new workers if it was running with another one.
   *
   * @param isIdle nobody asks: then clients need no time to leave, and it is reloaded even with the same list, so that it
   * keeps no connections to replicas
   */
  async route(replicas: readonly string[], isIdle = false): Promise<void> {
    const nginx = await this.topology.nginx();
    const ports: number[] = [];
    for (const name of replicas) ports.push(await this.ports.of(name));
    const unread = await nginx.configure(ports);
    const { pid } = await this.topology.service('nginx');
    if (pid === undefined) return await this.start(['nginx']);
    if (!unread && !isIdle) return;
    await nginx.reload(pid, isIdle ? 0 : drainMs);
    this.report(`nginx: routes to ${replicas.length} replica${replicas.length === 1 ? '' : 's'}`);
  }

  async stop(which: readonly string[]): Promise<void> {
    const services = await this.topology.services(which);
    await Promise.all(services.map((service) => service.stop()));
    if (services.length > 0) this.report(`${services.map(({ name }) => name).join(', ')}: stopped`);
  }

  async stopSurplus(kind: Kind, keep: number): Promise<void> {
    const ours = this.topology.recorded().filter((name) => name.startsWith(`${kind}-`));
    await this.stop(ours.filter((name) => parseNumber(name) > keep));
  }

  /** Stops what this command has started, last first. */
  async takeBack(): Promise<void> {
    if (this.#started.length > 0) this.report('stopping what this command has started');
    for (const service of this.#started.splice(0).reverse()) await service.stop();
  }
}
