import { explain } from '../common/command-line.js';
import { instanceFolder } from '../common/paths.js';
import { listContainers } from '../stack/compose/containers.js';
import { docker } from '../stack/compose/docker.js';
import { capCpu, liftCpuCap, toQuota } from '../stack/native/cpu-cap.js';
import { requireMode, type Stack } from '../stack/types.js';

/**
 * Caps replicas that already run: they start and warm up without a cap, or a replica with a twentieth of a CPU would
 * need half a minute to start.
 */
export class ReplicaCaps {
  constructor(
    private readonly stack: Stack,
    /** Name of the stack's instance. */
    private readonly instance: string,
  ) {}

  /** @returns why it could not be done, or null when every replica is capped */
  async set(cpus: number): Promise<string | null> {
    if (this.stack.mode === 'compose') return await this.#update(cpus);
    const replicas = (await this.stack.status()).filter(({ service }) => service.startsWith('api-'));
    for (const { service, pid } of replicas) {
      const fault = pid ? capCpu(instanceFolder(this.instance), service, pid, cpus) : 'is not running';
      if (fault !== null) return `${service}: ${fault}`;
    }
    return null;
  }

  /** @throws when the engine refuses: a warm-up under a cap that nobody knows of would spoil every figure after it */
  async lift(): Promise<void> {
    if (this.stack.mode === 'compose') {
      const fault = await this.#update(null);
      if (fault !== null) throw new Error(`the CPU cap of the replicas could not be taken off: ${fault}`);
      return;
    }
    for (const { service } of await this.stack.status()) {
      if (service.startsWith('api-')) liftCpuCap(instanceFolder(this.instance), service);
    }
  }

  async #update(cpus: number | null): Promise<string | null> {
    const { periodMicroseconds, quota } =
      cpus === null ? { periodMicroseconds: 100_000, quota: -1 } : toQuota(cpus);
    try {
      const { project } = requireMode(this.stack, 'compose');
      const ids = (await listContainers(project, 'api')).filter(({ running }) => running).map(({ id }) => id);
      await docker(['update', '--cpu-quota', '-1', ...ids]);
      await docker([
        'update',
        '--cpu-period',
        String(periodMicroseconds),
        '--cpu-quota',
        String(quota),
        ...ids,
      ]);
      return null;
    } catch (error) {
      return explain(error);
    }
  }
}
