import { readFileSync } from 'node:fs';
import { serviceKind } from '../common/cpu-time.js';
import { findChildren, readCommand, readCpuSecondsBelow } from '../common/processes.js';
import type { Stack } from '../stack/types.js';
import type { Component } from './types.js';

const INTERVAL_MS = 250;
const components: readonly Component[] = ['api', 'nginx', 'redis', 'worker', 'database', 'k6', 'influxdb'];

interface Reading {
  readonly atMs: number;
  /** CPU seconds of each part since it began, by the id of its (first) process. */
  readonly seconds: ReadonlyMap<number, number>;
  readonly machine: Ticks;
}

/** Of all CPUs since the boot, in ticks. */
interface Ticks {
  readonly busy: number;
  /** Given to other guests of the host while this one wanted it. */
  readonly stolen: number;
  readonly all: number;
}

/** CPU of one component between two moments. */
export interface Used {
  /** All its parts together. */
  readonly seconds: number;
  /** The part (replica, process with all below it, container) that used most. */
  readonly busiestSeconds: number;
  /** The part that used least. */
  readonly leastSeconds: number;
}

/** CPU seconds of the container a process is in, by the host's cgroups: exact, and without asking the container. */
function containerSeconds(pid: number): number | undefined {
  try {
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
    const v1 = groups.find(([, controllers]) => controllers?.split(',').includes('cpuacct'))?.[2];
    if (v1) return Number(readFileSync(`/sys/fs/cgroup/cpuacct${v1}/cpuacct.usage`, 'utf8')) / 1e9;
    const v2 = groups.find(([id]) => id === '0')?.[2];
    const usage = /^usage_usec (\d+)/m.exec(readFileSync(`/sys/fs/cgroup${v2}/cpu.stat`, 'utf8'))?.[1];
    return usage === undefined ? undefined : Number(usage) / 1e6;
  } catch {
    return undefined;
  }
}

function machineTicks(): Ticks {
  const ticks = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  const stolen = ticks[7]!;
  return { all, stolen, busy: all - ticks[3]! - ticks[4]! - stolen };
}

/** k6 as a child of this process; none when it runs in a container. */
const k6Pids = (): number[] => findChildren(process.pid).filter((pid) => /(^|\/)k6 /.test(readCommand(pid)));

/** Reads CPU times while a run is under way, so that afterwards those of any moment of it are known. */
export class CpuAccounting {
  readonly #readings: Reading[] = [];
  readonly #pids: ReadonlyMap<Component, Set<number>>;
  /** Most CPU seconds seen of each process, by part. */
  readonly #seen = new Map<number, Map<number, number>>();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    services: readonly { readonly service: string; readonly pid?: number | undefined }[],
    private readonly inContainers: boolean,
  ) {
    const pidsOf = (component: Component) =>
      services.flatMap(({ service, pid }) => (pid && serviceKind(service) === component ? [pid] : []));
    this.#pids = new Map(components.map((component) => [component, new Set(pidsOf(component))]));
  }

  /**
   * Asks the stack for its processes once, then only the kernel: asking a capped replica would cost its own time.
   *
   * @param serving replicas that are measured; others go on running beside them
   * @param influxPid of another instance's InfluxDB, which takes k6's samples
   */
  static async start(stack: Stack, serving: readonly string[], influxPid?: number): Promise<CpuAccounting> {
    const services = (await stack.status()).filter(
      ({ service }) => serviceKind(service) !== 'api' || serving.includes(service),
    );
    const influx = { service: 'influxdb', pid: influxPid };
    const accounting = new CpuAccounting([...services, influx], stack.mode === 'compose');
    accounting.#read();
    accounting.#timer = setInterval(() => accounting.#read(), INTERVAL_MS);
    return accounting;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#read();
  }

  /** By component, without those that were never seen (k6 in a container), and shares of the machine. */
  between(fromMs: number, toMs: number): { used: Map<Component, Used>; machine: number; stolen: number } {
    const first = this.#readings.findLast(({ atMs }) => atMs <= fromMs) ?? this.#readings[0]!;
    const last = this.#readings.find(({ atMs }) => atMs >= toMs) ?? this.#readings.at(-1)!;
    // A reading is up to an interval off on either side: scaled to the time that was asked for.
    const scale = (toMs - fromMs) / Math.max(1, last.atMs - first.atMs);
    const used = new Map<Component, Used>();
    for (const [component, pids] of this.#pids) {
      const parts = [...pids].map(
        (pid) => scale * ((last.seconds.get(pid) ?? 0) - (first.seconds.get(pid) ?? 0)),
      );
      const seconds = parts.reduce((sum, part) => sum + part, 0);
      if (parts.length === 0) continue;
      used.set(component, {
        seconds,
        busiestSeconds: Math.max(...parts),
        leastSeconds: Math.min(...parts),
      });
    }
    const all = Math.max(1, last.machine.all - first.machine.all);
    return {
      used,
      machine: (last.machine.busy - first.machine.busy) / all,
      stolen: (last.machine.stolen - first.machine.stolen) / all,
    };
  }

  #read(): void {
    const k6 = k6Pids();
    for (const pid of k6) this.#pids.get('k6')!.add(pid);
    const parts = [...this.#pids.values()].flatMap((pids) => [...pids]);
    for (const [part, processes] of readCpuSecondsBelow(parts)) {
      const inContainer = this.inContainers && !k6.includes(part) ? containerSeconds(part) : undefined;
      this.#note(part, inContainer === undefined ? processes : new Map([[part, inContainer]]));
    }
    const seconds = new Map(
      [...this.#seen].map(([part, processes]) => [
        part,
        [...processes.values()].reduce((sum, used) => sum + used, 0),
      ]),
    );
    this.#readings.push({ atMs: Date.now(), seconds, machine: machineTicks() });
  }

  /** A process that has ended (k6; nginx's workers after a reload) counts with what it had used when last seen. */
  #note(part: number, processes: ReadonlyMap<number, number>): void {
    const seen = this.#seen.get(part) ?? new Map<number, number>();
    for (const [pid, seconds] of processes) seen.set(pid, Math.max(seconds, seen.get(pid) ?? 0));
    this.#seen.set(part, seen);
  }
}
