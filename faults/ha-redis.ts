import { waitUntil } from '../common/wait-until.js';
import type { Container } from '../stack/compose/containers.js';
import { docker } from '../stack/compose/docker.js';
import type { ComposeStack } from '../stack/types.js';

const PROMOTED_WITHIN_MS = 60_000;
const HEALTHY_WITHIN_MS = 90_000;

/** The Redis servers and sentinels of docker-compose.ha.yml, and what can happen to them. Servers have their service's name. */
export class HaRedis {
  constructor(private readonly stack: ComposeStack) {}

  /** The service that this sentinel names as the primary. */
  async primary(sentinel = 'sentinel-3'): Promise<string> {
    const command =
      'REDISCLI_AUTH=$(cat /run/secrets/sentinel-password) redis-cli -p 26379 sentinel get-master-addr-by-name coupons';
    const [name = ''] = (await this.#exec(sentinel, command)).split('\n');
    return name;
  }

  /** By Redis's own client, inside its container: its reply, or the error it gave. */
  redis(service: string, command: string): Promise<string> {
    const login = "REDISCLI_AUTH=$(sed -n 's/^requirepass //p' /run/redis-deployment.conf)";
    return this.#exec(service, `${login} redis-cli ${command}`);
  }

  /** Whether somebody with this account is connected by the network that the server is in now. */
  async hasClient(service: string, account: string): Promise<boolean> {
    const address = (await this.#exec(service, 'hostname -i')).trim();
    const clients = (await this.redis(service, 'client list')).split('\n');
    return clients.some((line) => line.includes(`laddr=${address}:`) && line.includes(`user=${account} `));
  }

  /** What the first replica of the api says to somebody who asks it directly for a coupon: status and body. */
  callFirstApi(couponId: number, userId: string): Promise<string> {
    const call = `fetch("http://127.0.0.1:3000/api/v1/coupons/call/${couponId}", { method: "POST", headers: { "x-user-id": "${userId}" } })`;
    const show = 'async (answer) => console.log(answer.status, await answer.text())';
    return this.#exec('api', `node -e '${call}.then(${show})'`);
  }

  async untilAnotherIsPromoted(than: string): Promise<void> {
    await waitUntil(async () => ![than, ''].includes(await this.primary().catch(() => than)), {
      what: `another than ${than} is promoted`,
      timeoutMs: PROMOTED_WITHIN_MS,
      intervalMs: 200,
    });
  }

  /** Healthy means that it follows, or is the primary: it must not be. */
  async untilItFollows(service: string): Promise<void> {
    const follows = async () => {
      const info = await this.redis(service, 'info replication').catch(() => '');
      return /^role:slave/m.test(info) && /^master_link_status:up/m.test(info);
    };
    await waitUntil(follows, { what: `${service} follows`, timeoutMs: HEALTHY_WITHIN_MS, intervalMs: 200 });
  }

  /** Killed, its volume removed, and started again at once: before the sentinels have noticed, and with nothing. */
  async loseDiskAndRestart(service: string): Promise<void> {
    const { id } = await this.#container(service);
    // SIGKILL too.
    await docker(['rm', '--force', id]);
    await docker(['volume', 'rm', `${this.stack.project}_${service}-data`]);
    await this.stack.compose(['up', '--detach', '--no-deps', service]);
  }

  /** Moves containers to a network of their own, where they see each other and nobody else. Open connections go dead. */
  async cutOff(containers: readonly { service: string; number: number }[]): Promise<void> {
    await docker(['network', 'create', '--internal', this.#minority]);
    await this.#move(containers, this.#data, this.#minority);
  }

  async heal(containers: readonly { service: string; number: number }[]): Promise<void> {
    await this.#move(containers, this.#minority, this.#data);
    await docker(['network', 'rm', this.#minority]);
  }

  get #data(): string {
    return `${this.stack.project}_data`;
  }

  get #minority(): string {
    return `${this.stack.project}_minority`;
  }

  async #move(
    which: readonly { service: string; number: number }[],
    from: string,
    to: string,
  ): Promise<void> {
    for (const { service, number } of which) {
      const { id } = await this.#container(service, number);
      await docker(['network', 'connect', '--alias', service, to, id]);
      await docker(['network', 'disconnect', from, id]);
    }
  }

  async #exec(service: string, script: string): Promise<string> {
    return await docker(['exec', (await this.#container(service)).id, 'sh', '-c', script]);
  }

  async #container(service: string, number = 1): Promise<Container> {
    const found = (await this.stack.containers(service)).find((container) => container.number === number);
    if (!found) throw new Error(`there is no container of ${service}`);
    return found;
  }
}
