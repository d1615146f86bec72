import type { Container } from './compose/containers.js';
import type { RunOptions } from './compose/docker.js';

/** Where the topology runs: as processes of this machine, or as containers. */
export type StackMode = 'native' | 'compose';

export interface ServiceStatus {
  /** `redis`, `database`, `api-1`, `worker-1`, `nginx`, … */
  readonly service: string;
  readonly state: 'ready' | 'running' | 'stopped';
  /** Process id on this machine; absent when stopped, or unknown to the mode. */
  readonly pid?: number;
  /** Port a client on this machine can reach; absent where none is published. */
  readonly port?: number;
  readonly startedAt?: Date;
  /** CPU time used since the start, in seconds. */
  readonly cpuSeconds?: number;
  /** What is wrong, or anything else worth a line. */
  readonly note?: string;
}

export interface StackVersions {
  readonly redis: string;
  /** With the product's name: `MariaDB 10.11.19` or `MySQL 8.4.6`. */
  readonly database: string;
  readonly nginx: string;
  readonly node: string;
}

export interface OpsOptions {
  /** Receives each line of standard output as it arrives, without its newline. */
  readonly onLine?: (line: string) => void;
}

export interface UpOptions {
  /** Number of api replicas. */
  readonly api: number;
  /** Number of workers, 1 when absent. */
  readonly worker?: number;
  /** Aborting stops what this call has started, then rejects. */
  readonly signal?: AbortSignal;
}

export interface LogsOptions {
  /** Every service when absent. */
  readonly service?: string;
  /** Last lines of each service to show, 100 when absent. */
  readonly lines?: number;
  readonly follow?: boolean;
}

/** One topology, whichever way it runs. Every call waits for its condition, within a bound, and rejects otherwise. */
interface AnyStack {
  /** `http://localhost:8080`, without a final slash. */
  readonly frontUrl: string;
  /** Admin API and nginx counters; reachable from this machine only. */
  readonly opsUrl: string;
  readonly adminToken: string;
  /** Starts what is missing and returns when the front door serves through `api` ready replicas. Harmless to repeat. */
  up(options: UpOptions): Promise<void>;
  /** Changes the number of replicas under traffic: no request fails because of it. */
  scale(api: number): Promise<void>;
  /**
   * Has the front door serve through these replicas alone (`api-2`, …), on new connections, while the others go on running.
   * Only while nobody asks. Undone by the next `down` and `up`.
   */
  route(replicas: readonly string[]): Promise<void>;
  /** Stops everything, keeps the data. Harmless when nothing runs. */
  down(): Promise<void>;
  /** Stops everything and removes the data. */
  destroy(): Promise<void>;
  status(): Promise<ServiceStatus[]>;
  /** Whether nginx, the databases, a worker and at least one replica are running. */
  isUp(): Promise<boolean>;
  /** Replicas now running. */
  replicas(): Promise<number>;
  /** Prints logs to standard output. */
  logs(options?: LogsOptions): Promise<void>;
  /** Runs `main-ops` where it reaches Redis and MySQL. Rejects, with the end of its standard error, on a non-zero exit. */
  ops(args: readonly string[], options?: OpsOptions): Promise<void>;
  versions(): Promise<StackVersions>;
  /** One by the name it has in `status`: `redis`, `database`, `nginx`, `api-1`, `worker-1`, … */
  service(name: string): Promise<Service>;
}

/** Processes of this machine; `influxdb` runs only when it is asked for. */
export interface NativeStack extends AnyStack {
  readonly mode: 'native';
  service(name: string): Promise<NativeService>;
}

/** Containers. With docker-compose.ha.yml `redis-2`, `sentinel-1`, … are services too. */
export interface ComposeStack extends AnyStack {
  readonly mode: 'compose';
  /** Name of the compose project: what its containers, networks and volumes start with. */
  readonly project: string;
  /** Runs `docker compose ARGS` on this project and returns what it prints. */
  compose(args: readonly string[], options?: RunOptions): Promise<string>;
  containers(service?: string): Promise<Container[]>;
}

export type Stack = NativeStack | ComposeStack;

/** The stack as one of this mode. @throws when it is one of the other */
export function requireMode<Mode extends StackMode>(
  stack: Stack,
  mode: Mode,
): Extract<Stack, { mode: Mode }> {
  if (stack.mode !== mode) throw new Error(`this needs a stack in ${mode} mode: it is in ${stack.mode} mode`);
  return stack as Extract<Stack, { mode: Mode }>;
}

export interface StackOptions {
  /** Without it: the environment's MODE, else compose where an engine answers, else native. */
  readonly mode?: StackMode;
  /** Instances with different names share neither data nor ports. `default` when absent. */
  readonly name?: string;
  /** Overrides of variables for the services, above `.env` and the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** One line of progress for people. Silent when absent. */
  readonly onProgress?: (line: string) => void;
}

/** One service of a stack, and what an operator or an accident does to it. */
export interface Service {
  readonly name: string;
  /** SIGKILL to all its processes; returns when they are gone. Nobody starts it again but `start`. */
  kill(): Promise<void>;
  /** Starts it unless it runs, and waits until it is ready. */
  start(): Promise<void>;
  /** Ends it in order and waits until it is gone. */
  stop(): Promise<void>;
  /** SIGSTOP to all its processes: connections stay open and nothing answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** SIGHUP to its first process: nginx reads its configuration again. */
  reload(): Promise<void>;
}

export interface NativeService extends Service {
  readonly port: number;
  /** Undefined when it does not run. */
  readonly pid: number | undefined;
}
