import { waitUntil } from '../common/wait-until.js';
import type { ServiceControl, Stack } from '../stack/types.js';
import type { Actors } from './actors.js';

const GONE_WITHIN_MS = 10_000;

/** Services of a native stack. Each is the leader of a process group of its own. */
export class NativeActors implements Actors {
  constructor(private readonly stack: Stack) {}

  async kill(name: string): Promise<void> {
    const service = await this.#service(name);
    const pid = pidOf(service);
    // The whole group: nginx's workers would go on serving without their master.
    process.kill(-pid, 'SIGKILL');
    await waitUntil(() => service.pid !== pid, {
      what: `${name} is gone`,
      timeoutMs: GONE_WITHIN_MS,
      intervalMs: 5,
    });
  }

  async start(name: string): Promise<void> {
    await (await this.#service(name)).start();
  }

  async stop(name: string): Promise<void> {
    await (await this.#service(name)).stop();
  }

  async freeze(name: string): Promise<void> {
    process.kill(-pidOf(await this.#service(name)), 'SIGSTOP');
  }

  async thaw(name: string): Promise<void> {
    process.kill(-pidOf(await this.#service(name)), 'SIGCONT');
  }

  #service(name: string): Promise<ServiceControl> {
    if (!this.stack.service) throw new Error('this stack has no services that can be had one by one');
    return this.stack.service(name);
  }
}

function pidOf({ name, pid }: ServiceControl): number {
  if (pid === undefined) throw new Error(`${name} does not run`);
  return pid;
}
