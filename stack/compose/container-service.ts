import { waitUntil } from '../../common/wait-until.js';
import type { Service } from '../types.js';
import { listContainers, type Container } from './containers.js';
import { docker } from './docker.js';

const READY_WITHIN_MS = 90_000;

/**
 * One container of a compose project, looked up anew for each call: it may have been created again. The engine takes
 * `kill` and `stop` for an operator's will and restarts nothing by itself.
 */
export class ContainerService implements Service {
  constructor(
    readonly name: string,
    private readonly project: string,
  ) {}

  async kill(): Promise<void> {
    await this.#docker('kill');
    const gone = async () => !(await this.find()).running;
    await waitUntil(gone, { what: `${this.name} is gone`, timeoutMs: READY_WITHIN_MS });
  }

  async start(): Promise<void> {
    await this.#docker('start');
    const ready = async () => {
      const { running, health } = await this.find();
      return running && (health === undefined || health === 'healthy');
    };
    await waitUntil(ready, { what: `${this.name} is healthy`, timeoutMs: READY_WITHIN_MS, intervalMs: 200 });
  }

  stop(): Promise<void> {
    return this.#docker('stop');
  }

  freeze(): Promise<void> {
    return this.#docker('pause');
  }

  thaw(): Promise<void> {
    return this.#docker('unpause');
  }

  reload(): Promise<void> {
    return this.#docker('kill', '--signal', 'HUP');
  }

  /** @throws when the project has no such container, running or not */
  async find(): Promise<Container> {
    // `redis-2` is a service of its own, `api-2` the second container of one.
    const [kind = this.name, number = '1'] = this.name.split('-');
    const service = kind === 'database' ? 'mysql' : kind;
    const containers = await listContainers(this.project);
    const found =
      containers.find((container) => container.service === this.name) ??
      containers.filter((container) => container.service === service)[Number(number) - 1];
    if (!found) throw new Error(`there is no container ${this.name}`);
    return found;
  }

  async #docker(...command: string[]): Promise<void> {
    await docker([...command, (await this.find()).id]);
  }
}
