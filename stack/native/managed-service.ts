import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { readCpuSeconds, findGroupMembers, readStartTime } from '../../common/processes.js';
import { waitUntil } from '../../common/wait-until.js';
import type { NativeService, ServiceStatus } from '../types.js';
import { capCpu, releaseCpuCap } from './cpu-cap.js';
import type { ServiceSpec } from './service-spec.js';

interface ProcessRecord {
  pid: number;
  /** See process-identity.ts: a pid alone may by now be somebody else's. */
  started: string;
  startedAt: string;
}

const rotateLogBytes = 50_000_000;
const KILLED_WITHIN_MS = 10_000;

/** Before a start, while nobody has it open: one older log is kept. */
export function rotateLog(file: string): void {
  if (existsSync(file) && statSync(file).size > rotateLogBytes) renameSync(file, `${file}.1`);
}

const readRecord = (file: string): ProcessRecord | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord;
  } catch {
    return undefined;
  }
};

/** Last lines of a log for an error message. */
function logTail(file: string, lines = 15): string {
  if (!existsSync(file)) return '';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * One service as a process of its own session: it outlives the command that started it. `run/<name>.json` names the
 * process, so that any later command finds it; a record whose process is gone means it died by itself.
 */
export class ManagedService implements NativeService {
  readonly #record: string;
  readonly logFile: string;

  constructor(
    readonly spec: ServiceSpec,
    private readonly folder: string,
    private readonly report: (line: string) => void,
  ) {
    this.#record = join(folder, 'run', `${spec.name}.json`);
    this.logFile = join(folder, 'logs', `${spec.name}.log`);
  }

  get name(): string {
    return this.spec.name;
  }

  get port(): number {
    return this.spec.port;
  }

  /** Undefined unless the recorded process is the one that lives. */
  get pid(): number | undefined {
    const record = readRecord(this.#record);
    return record && readStartTime(record.pid) === record.started ? record.pid : undefined;
  }

  /** @returns whether it was started by this call */
  async startUnlessRunning(signal?: AbortSignal): Promise<boolean> {
    if (this.pid !== undefined) {
      await this.#untilReady(signal);
      return false;
    }
    await this.#removeLeftOvers();
    this.#removeTemporary();
    await this.spec.prepare?.();
    signal?.throwIfAborted();
    await this.#spawn();
    try {
      await this.#untilReady(signal);
    } catch (cause) {
      await this.stop();
      throw cause;
    }
    return true;
  }

  async start(): Promise<void> {
    await this.startUnlessRunning();
  }

  /** The whole group: nginx's workers would go on serving without their master. */
  async kill(): Promise<void> {
    process.kill(-this.#runningPid(), 'SIGKILL');
    const gone = () => this.pid === undefined;
    await waitUntil(gone, { what: `${this.name} is gone`, timeoutMs: KILLED_WITHIN_MS, intervalMs: 5 });
  }

  async freeze(): Promise<void> {
    process.kill(-this.#runningPid(), 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    process.kill(-this.#runningPid(), 'SIGCONT');
  }

  async reload(): Promise<void> {
    process.kill(this.#runningPid(), 'SIGHUP');
  }

  async stop(): Promise<void> {
    const { pid } = this;
    if (pid !== undefined) {
      this.#signal(pid, this.spec.stopSignal);
      // One that a test has stopped (SIGSTOP) can only end when it goes on.
      this.#signal(pid, 'SIGCONT');
      const gone = () => this.pid === undefined;
      await waitUntil(gone, { what: `${this.name} ends`, timeoutMs: this.spec.stopTimeoutMs }).catch(() => {
        this.report(`${this.name} did not end within ${this.spec.stopTimeoutMs / 1000} s: killed`);
      });
    }
    await this.#removeLeftOvers();
    this.#removeTemporary();
    rmSync(this.#record, { force: true });
    releaseCpuCap(this.folder, this.name);
  }

  async status(): Promise<ServiceStatus> {
    const { pid, port } = this;
    const record = readRecord(this.#record);
    if (pid === undefined || !record) {
      return { service: this.name, state: 'stopped', ...(record && { note: `died, see ${this.logFile}` }) };
    }
    const ready = await this.spec.isReady().catch(() => false);
    const cpuSeconds = readCpuSeconds(pid);
    return {
      service: this.name,
      state: ready ? 'ready' : 'running',
      pid,
      port,
      startedAt: new Date(record.startedAt),
      ...(cpuSeconds !== undefined && { cpuSeconds }),
    };
  }

  async #spawn(): Promise<void> {
    for (const file of [this.#record, this.logFile]) mkdirSync(dirname(file), { recursive: true });
    rotateLog(this.logFile);
    const log = openSync(this.logFile, 'a');
    try {
      const { command, args, env } = this.spec;
      const child = spawn(command, args, {
        cwd: projectRoot,
        env,
        detached: true,
        stdio: ['ignore', log, log],
      });
      await once(child, 'spawn');
      child.unref();
      const pid = child.pid!;
      const record = { pid, started: readStartTime(pid) ?? 'gone', startedAt: new Date().toISOString() };
      writeFileSync(this.#record, JSON.stringify(record satisfies ProcessRecord));
      if (this.spec.cpus) this.#cap(pid, this.spec.cpus);
    } finally {
      closeSync(log);
    }
  }

  #cap(pid: number, cpus: number): void {
    const fault = capCpu(this.folder, this.name, pid, cpus);
    this.report(
      fault === null
        ? `${this.name}: at most ${cpus} CPU`
        : `${this.name}: runs without its CPU cap of ${cpus} (${fault})`,
    );
  }

  async #untilReady(signal?: AbortSignal): Promise<void> {
    const ready = () => {
      if (this.pid === undefined) throw new Error(`${this.name} ended while it started`);
      return this.spec.isReady();
    };
    const options = { what: `${this.name} is ready`, timeoutMs: this.spec.readyTimeoutMs, signal };
    await waitUntil(ready, options).catch((cause: unknown) => {
      if (signal?.aborted) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${why}\n${this.logFile}:\n${logTail(this.logFile)}`, { cause });
    });
  }

  /** Kills what is left of its process group: nginx's workers go on listening when their master was killed. */
  async #removeLeftOvers(): Promise<void> {
    const record = readRecord(this.#record);
    if (!record) return;
    // The leader's pid now belongs to a process started later: the group is not ours any more.
    const leaderStart = readStartTime(record.pid);
    if (leaderStart !== undefined && leaderStart !== record.started) return;
    const left = () => findGroupMembers(record.pid);
    for (const pid of left()) this.#signal(pid, 'SIGKILL');
    await waitUntil(() => left().length === 0, { what: `${this.name} is gone`, timeoutMs: 10_000 });
  }

  #removeTemporary(): void {
    for (const path of this.spec.temporary ?? []) rmSync(path, { force: true, recursive: true });
  }

  #runningPid(): number {
    const { pid } = this;
    if (pid === undefined) throw new Error(`${this.name} is not running`);
    return pid;
  }

  #signal(pid: number, signal: NodeJS.Signals): void {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone in the meantime.
    }
  }
}
