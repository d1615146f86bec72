import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { projectRoot } from '../common/paths.js';
import { waitUntil } from '../common/wait-until.js';
import { ContainerService } from './compose/container-service.js';
import { listContainers, type Container } from './compose/containers.js';
import { docker, DockerError, type RunOptions } from './compose/docker.js';
import { composeFiles } from './compose/files.js';
import { toStatus } from './compose/status.js';
import { untilReloaded } from './compose/until-reloaded.js';
import { upstreamList } from './native/nginx-config.js';
import { ensureEnvFile, readEnvironment, readSecrets } from './env-file.js';
import type {
  ComposeStack,
  LogsOptions,
  OpsOptions,
  Service,
  ServiceStatus,
  StackOptions,
  StackVersions,
  UpOptions,
} from './types.js';

const START_SECONDS = 300;
const SCALE_SECONDS = 120;
const FRONT_PORT = 8080;
const OPS_PORT = 8081;
/** Of a replica, within the network. */
const API_PORT = 3000;
/** Without it `down` leaves the metrics running, and the networks with them. */
const EVERY_PROFILE = ['--profile', '*'];
const ONE_SHOT: ReadonlySet<string> = new Set(['accounts', 'migrate']);

/** The default instance has the ports of `.env`; another one keeps those it was created with, or gets free ones. */
async function choosePorts(name: string, project: string, env: Record<string, string>) {
  if (name === 'default')
    return { front: Number(env['FRONT_PORT'] ?? FRONT_PORT), ops: Number(env['OPS_PORT'] ?? OPS_PORT) };
  const nginx = (await listContainers(project, 'nginx'))[0];
  return {
    front: nginx?.ports.get(FRONT_PORT) ?? (await getPort({ host: '127.0.0.1' })),
    ops: nginx?.ports.get(OPS_PORT) ?? (await getPort({ host: '127.0.0.1' })),
  };
}

class ComposeProject implements ComposeStack {
  readonly mode = 'compose';
  readonly frontUrl: string;
  readonly opsUrl: string;
  readonly #base: readonly string[];

  constructor(
    readonly project: string,
    readonly adminToken: string,
    private readonly env: NodeJS.ProcessEnv,
    ports: { front: number; ops: number },
    private readonly onProgress: (line: string) => void,
  ) {
    this.frontUrl = `http://127.0.0.1:${ports.front}`;
    this.#base = ['compose', '--project-directory', projectRoot, '--project-name', project];
    this.opsUrl = `http://127.0.0.1:${ports.ops}`;
  }

  compose(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return docker([...this.#base, ...args], { env: this.env, ...options });
  }

  async up({ api, worker = 1, signal }: UpOptions): Promise<void> {
    const before = await this.isUp();
    try {
      this.onProgress('building the image');
      await this.compose(['--progress', 'plain', 'build', 'api'], { signal });
      this.onProgress(`starting nginx, ${api} api, ${worker} worker, redis, mysql`);
      await this.#start(['--scale', `api=${api}`, '--scale', `worker=${worker}`], START_SECONDS, signal);
      await this.#untilFrontDoorAnswers(signal);
    } catch (err) {
      if (signal?.aborted && !before) await this.down();
      throw err;
    }
  }

  async scale(api: number): Promise<void> {
    this.onProgress(`scaling to ${api} api`);
    await this.#start(['--no-deps', '--no-recreate', '--scale', `api=${api}`, 'api'], SCALE_SECONDS);
  }

  /** Docker's DNS names all replicas: nginx gets a list instead, of containers by their names. */
  async route(replicas: readonly string[]): Promise<void> {
    const addresses = replicas.map((name) => `${this.project}-${name}:${API_PORT}`);
    const script =
      'printf "%s" "$1" | sed "s/ISSUE_BOUND/$NGINX_ISSUE_BOUND/" >/etc/nginx/rendered/upstream-dynamic.conf';
    const list = upstreamList(addresses, 'ISSUE_BOUND');
    await this.compose(['exec', '-T', 'nginx', 'sh', '-c', script, 'sh', list]);
    const nginx = new ContainerService('nginx', this.project);
    await nginx.reload();
    await untilReloaded((await nginx.find()).pid);
  }

  async down(): Promise<void> {
    await this.compose([...EVERY_PROFILE, 'down', '--remove-orphans']);
  }

  async destroy(): Promise<void> {
    await this.compose([...EVERY_PROFILE, 'down', '--remove-orphans', '--volumes']);
  }

  service(name: string): Promise<Service> {
    return Promise.resolve(new ContainerService(name, this.project));
  }

  containers(service?: string): Promise<Container[]> {
    return listContainers(this.project, service);
  }

  async status(): Promise<ServiceStatus[]> {
    const containers = await this.containers();
    return Promise.all(containers.filter(({ service }) => !ONE_SHOT.has(service)).map(toStatus));
  }

  async isUp(): Promise<boolean> {
    const running = (await this.containers()).filter((container) => container.running);
    return ['nginx', 'redis', 'mysql', 'worker', 'api'].every((name) =>
      running.some(({ service }) => service === name),
    );
  }

  async replicas(): Promise<number> {
    return (await this.containers('api')).filter(({ running }) => running).length;
  }

  async logs({ service, lines = 100, follow = false }: LogsOptions = {}): Promise<void> {
    const which = service === 'database' ? 'mysql' : service?.replace(/-\d+$/, '');
    const args = [
      'logs',
      '--tail',
      String(lines),
      ...(follow ? ['--follow'] : []),
      ...(which ? [which] : []),
    ];
    const child = spawn('docker', [...this.#base, ...args], { stdio: 'inherit', env: this.env });
    await once(child, 'close');
  }

  async ops(args: readonly string[], { onLine }: OpsOptions = {}): Promise<void> {
    const command = ['run', '--rm', '--no-deps', '--no-TTY', '--quiet-pull', 'ops', ...args];
    await this.compose(command, { onLine: onLine ?? ((line) => process.stdout.write(`${line}\n`)) });
  }

  async versions(): Promise<StackVersions> {
    const of = async (service: string, ...command: string[]) =>
      /(\d+\.\d+\.\d+)/.exec(
        await this.compose(['exec', '-T', service, ...command], { withErrors: true }),
      )?.[1] ?? '?';
    const [redis, mysql, nginx, node] = await Promise.all([
      of('redis', 'redis-server', '--version'),
      of('mysql', 'mysqld', '--version'),
      of('nginx', 'nginx', '-v'),
      of('worker', 'node', '--version'),
    ]);
    return { redis, database: `MySQL ${mysql}`, nginx, node };
  }

  /** Once more when a port was taken: it may be that of an outgoing connection, gone in a moment. */
  async #start(args: string[], seconds: number, signal?: AbortSignal, again = true): Promise<void> {
    try {
      await this.compose(['up', '--detach', '--wait', '--wait-timeout', String(seconds), ...args], {
        signal,
      });
    } catch (err) {
      if (!again || !(err instanceof DockerError && err.message.includes('address already in use')))
        throw err;
      await sleep(2_000, undefined, signal ? { signal } : {});
      await this.#start(args, seconds, signal, false);
    }
  }

  async #untilFrontDoorAnswers(signal?: AbortSignal): Promise<void> {
    const answers = () =>
      fetch(`${this.frontUrl}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await waitUntil(answers, { what: `${this.frontUrl} answers`, timeoutMs: 30_000, signal });
  }
}

/** The topology as containers of `docker-compose.yml`. Says nothing about whether an engine answers. */
export async function openComposeStack(options: StackOptions = {}): Promise<ComposeStack> {
  ensureEnvFile();
  const env = readEnvironment(options.env);
  const { name = 'default', onProgress = () => undefined } = options;
  const base = env['COMPOSE_PROJECT_NAME'] ?? 'coupon-rush';
  const project = name === 'default' ? base : `${base}-${name}`;
  const ports = await choosePorts(name, project, env);
  const forCompose = {
    ...env,
    COMPOSE_PROJECT_NAME: project,
    COMPOSE_FILE: await composeFiles(project, env),
    FRONT_PORT: `${ports.front}`,
    OPS_PORT: `${ports.ops}`,
  };
  return new ComposeProject(project, readSecrets(env).ADMIN_TOKEN, forCompose, ports, onProgress);
}
