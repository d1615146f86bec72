/** What is needed to run one service of the topology as a process. */
export interface ServiceSpec {
  /** `redis`, `database`, `worker-1`, `api-1`, `nginx`. */
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Configuration, first initialisation. Runs before every start. */
  readonly prepare?: () => Promise<void>;
  /** Files and folders outside the instance's folder; removed before each start and after each stop. */
  readonly temporary?: readonly string[];
  readonly isReady: () => Promise<boolean>;
  readonly readyTimeoutMs: number;
  /** Ends the process in order. */
  readonly stopSignal: NodeJS.Signals;
  /** After it the process and its group are killed. */
  readonly stopTimeoutMs: number;
  /** Most CPUs it may use, such as 0.1; no cap when absent. */
  readonly cpus?: number | undefined;
}

/** For programs that need nothing of ours: no secrets. */
export const plainEnvironment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  LANG: 'C',
  TZ: 'UTC',
});
