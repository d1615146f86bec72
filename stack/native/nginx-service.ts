import { run } from '../../common/run-command.js';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFileLimit } from '../../common/open-file-limit.js';
import { findChildren, readCommand } from '../../common/processes.js';
import { waitUntil } from '../../common/wait-until.js';
import { httpStatus } from './http-status.js';
import { rotateLog } from './managed-service.js';
import { defaultNginxVariables, writeNginxConfig, type NginxVariables } from './nginx-config.js';
import { plainEnvironment, type ServiceSpec } from './service-spec.js';

/** Clients with shorter pauses between their requests have opened new connections by then, none of which is idle. */
export const drainMs = 1_000;

const cause = (error: unknown): string =>
  error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);

export interface NginxOptions {
  readonly program: string;
  readonly folder: string;
  /** Address clients come to: all of this machine's for the default instance. */
  readonly frontHost: string;
  readonly frontPort: number;
  readonly opsPort: number;
  /** NGINX_… of it replace the templates' values. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The front door of native mode: configuration, process, reload. */
export class Nginx {
  readonly #confFolder: string;
  readonly #args: readonly string[];
  /** Names the configuration that the running nginx has read: a command may die between writing one and reloading. */
  readonly #readFile: string;
  #written = '';
  readonly #drainFile: string;
  readonly #cache: string;

  constructor(private readonly options: NginxOptions) {
    this.#confFolder = join(options.folder, 'nginx', 'conf');
    this.#readFile = join(options.folder, 'nginx', 'configuration-read');
    // Not in the instance's folder: workers run as nobody and need not be able to look into that.
    this.#drainFile = join(tmpdir(), `coupon-rush-nginx-${options.frontPort}-draining`);
    this.#cache = join(tmpdir(), `coupon-rush-nginx-${options.frontPort}`);
    // -e: otherwise it complains about a log in /var/log that only root may open, before it reads its configuration.
    this.#args = ['-e', 'stderr', '-c', join(this.#confFolder, 'nginx.conf'), '-g', 'daemon off;'];
  }

  /** Writes the configuration for these replicas and has nginx check it. @returns whether nginx has yet to read it */
  async configure(apiPorts: readonly number[]): Promise<boolean> {
    mkdirSync(join(this.options.folder, 'nginx', 'temp'), { recursive: true });
    mkdirSync(join(this.options.folder, 'logs'), { recursive: true });
    this.#written = writeNginxConfig(this.#confFolder, this.#variables(), apiPorts);
    await run(this.options.program, [...this.#args, '-t'], { env: plainEnvironment() }).catch(
      (error: unknown) => {
        throw new Error(`nginx refuses its configuration: ${cause(error)}`, { cause: error });
      },
    );
    return !existsSync(this.#readFile) || readFileSync(this.#readFile, 'utf8') !== this.#written;
  }

  /**
   * Has the master replace its workers and returns when new ones serve. Old ones finish what they have: a replica
   * that left the list must go on answering for as long. See front.conf for why clients are sent away first.
   *
   * @param patienceMs how long they have for it
   */
  async reload(master: number, patienceMs: number): Promise<void> {
    rmSync(this.#drainFile, { force: true });
    writeFileSync(this.#drainFile, '', { flag: 'wx' });
    try {
      await sleep(patienceMs);
      await this.#replaceWorkers(master);
    } finally {
      rmSync(this.#drainFile, { force: true });
    }
  }

  async #replaceWorkers(master: number): Promise<void> {
    const before = new Set(findChildren(master));
    process.kill(master, 'SIGHUP');
    const workers = Number(this.#variables()['NGINX_WORKERS']);
    const replaced = () => {
      const now = findChildren(master).filter((pid) => readCommand(pid).startsWith('nginx: worker process'));
      const fresh = now.filter((pid) => !before.has(pid));
      const oldServe = now.some((pid) => before.has(pid) && !readCommand(pid).includes('shutting down'));
      return fresh.length >= workers && !oldServe;
    };
    await waitUntil(replaced, { what: 'nginx has new workers', timeoutMs: 20_000, intervalMs: 20 });
    writeFileSync(this.#readFile, this.#written);
  }

  service(): ServiceSpec {
    const { frontPort, opsPort, program } = this.options;
    const answers = async (port: number) => (await httpStatus(`http://127.0.0.1:${port}/healthz`)) === 200;
    return {
      name: 'nginx',
      port: frontPort,
      command: program,
      args: this.#args,
      env: plainEnvironment(),
      prepare: async () => {
        // Without one (a restart after a crash) nginx reads what is there.
        if (this.#written) writeFileSync(this.#readFile, this.#written);
        for (const log of ['nginx-access.log', 'nginx-error.log'])
          rotateLog(join(this.options.folder, 'logs', log));
      },
      isReady: async () => (await answers(frontPort)) && (await answers(opsPort)),
      readyTimeoutMs: 15_000,
      temporary: [this.#drainFile, `${this.#cache}-overload`, `${this.#cache}-coupons`],
      stopSignal: 'SIGQUIT',
      stopTimeoutMs: 20_000,
    };
  }

  #variables(): NginxVariables {
    const { folder, frontHost, frontPort, opsPort, environment } = this.options;
    const openFiles = Math.min(openFileLimit(), 65_535);
    const chosen = Object.entries(environment).filter(([name]) => name.startsWith('NGINX_'));
    return {
      ...defaultNginxVariables(),
      NGINX_NOFILE: String(openFiles),
      // A few files are logs, listening sockets and the like.
      NGINX_WORKER_CONNECTIONS: String(Math.min(16_384, openFiles - 200)),
      NGINX_PID: join(folder, 'nginx', 'nginx.pid'),
      NGINX_ERROR_LOG: join(folder, 'logs', 'nginx-error.log'),
      NGINX_ACCESS_LOG: join(folder, 'logs', 'nginx-access.log'),
      NGINX_DRAIN_FILE: this.#drainFile,
      NGINX_CACHE: this.#cache,
      NGINX_TEMP: join(folder, 'nginx', 'temp'),
      NGINX_FRONT_LISTEN: `${frontHost}:${frontPort}`,
      NGINX_OPS_LISTEN: `127.0.0.1:${opsPort}`,
      NGINX_OPS_ADDRESS: `127.0.0.1:${opsPort}`,
      NGINX_UPSTREAM: 'upstream-list.conf',
      ...Object.fromEntries(chosen),
    };
  }
}
