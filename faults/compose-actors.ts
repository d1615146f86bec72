import { waitUntil } from '../common/wait-until.js';
import type { ComposeStack } from '../stack/compose.js';
import {
  killContainer,
  pauseContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
  type Container,
} from '../stack/compose/containers.js';
import type { Actors } from './actors.js';

const READY_WITHIN_MS = 90_000;

/** Containers of a compose project. The engine takes each of these for an operator's will and restarts nothing by itself. */
export class ComposeActors implements Actors {
  constructor(private readonly stack: ComposeStack) {}

  async kill(name: string): Promise<void> {
    await killContainer((await this.#container(name)).id);
  }

  async start(name: string): Promise<void> {
    await startContainer((await this.#container(name)).id);
    const ready = async () => {
      const { running, health } = await this.#container(name);
      return running && (health === undefined || health === 'healthy');
    };
    await waitUntil(ready, { what: `${name} is healthy`, timeoutMs: READY_WITHIN_MS, intervalMs: 200 });
  }

  async stop(name: string): Promise<void> {
    await stopContainer((await this.#container(name)).id);
  }

  async freeze(name: string): Promise<void> {
    await pauseContainer((await this.#container(name)).id);
  }

  async thaw(name: string): Promise<void> {
    await unpauseContainer((await this.#container(name)).id);
  }

  async #container(name: string): Promise<Container> {
    // `redis-2` is a service of its own, `api-2` the second container of one.
    const [kind = name, index] = name.split('-');
    const service = kind === 'database' ? 'mysql' : kind;
    const containers = await this.stack.containers();
    const found =
      containers.find((container) => container.service === name) ??
      containers.filter((container) => container.service === service)[
        index === undefined ? 0 : Number(index) - 1
      ];
    if (!found) throw new Error(`there is no container ${name}`);
    return found;
  }
}
