import { readFileSync } from 'node:fs';
import { childrenOf, commandOf, cpuSecondsOf } from '../../stack/process-identity.js';
import type { Stack } from '../../stack/index.js';
import type { Component } from './types.js';

const INTERVAL_MS = 250;
const components: readonly Component[] = ['api', 'nginx', 'redis', 'worker', 'database'];

interface Reading {
  readonly atMs: number;
  readonly seconds: Readonly<Partial<Record<Component, number>>>;
  readonly machine: { readonly busy: number; readonly all: number };
}

/** CPU seconds of a process and everything below it. */
function treeSeconds(pid: number): number {
  const own = cpuSecondsOf(pid) ?? 0;
  const grandchildren = childrenOf(pid).flatMap((child) => childrenOf(child));
  return own + grandchildren.reduce((sum, child) => sum + treeSeconds(child), 0);
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

/** Ticks of all CPUs since the boot. */
function machineTicks(): { busy: number; all: number } {
  const ticks = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const all = ticks.reduce((sum, value) => sum + value, 0);
  return { all, busy: all - ticks[3]! - ticks[4]! };
}

/** k6 as a child of this process; undefined when it runs in a container. */
const k6Pids = (): number[] => childrenOf(process.pid).filter((pid) => /(^|\/)k6 /.test(commandOf(pid)));

/** Reads CPU times while a run is under way, so that afterwards those of any moment of it are known. */
export class CpuAccounting {
  readonly #readings: Reading[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly pids: ReadonlyMap<Component, number[]>,
    private readonly inContainers: boolean,
  ) {}

  /** Asks the stack for its processes once, then only the kernel: asking a capped replica would cost its own time. */
  static async start(stack: Stack): Promise<CpuAccounting> {
    const services = await stack.status();
    const pids = new Map(
      components.map((component) => [
        component,
        services.flatMap(({ service, pid }) =>
          pid && service.replace(/-\d+$/, '') === component ? [pid] : [],
        ),
      ]),
    );
    const accounting = new CpuAccounting(pids, stack.mode === 'compose');
    accounting.#read();
    accounting.#timer = setInterval(() => accounting.#read(), INTERVAL_MS);
    return accounting;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#read();
  }

  /** CPU seconds between two moments by component, and the share of the machine that was busy. */
  between(fromMs: number, toMs: number): { seconds: Map<Component, number>; machine: number } {
    const first = this.#readings.findLast(({ atMs }) => atMs <= fromMs) ?? this.#readings[0]!;
    const last = this.#readings.find(({ atMs }) => atMs >= toMs) ?? this.#readings.at(-1)!;
    // A reading is up to an interval off on either side: scaled to the time that was asked for.
    const scale = (toMs - fromMs) / Math.max(1, last.atMs - first.atMs);
    const seconds = new Map<Component, number>();
    for (const component of [...components, 'k6' as const]) {
      const used = (last.seconds[component] ?? this.#lastOf(component)) - (first.seconds[component] ?? 0);
      seconds.set(component, Math.max(0, used * scale));
    }
    const all = last.machine.all - first.machine.all;
    return { seconds, machine: all > 0 ? (last.machine.busy - first.machine.busy) / all : 0 };
  }

  /** What a process that has ended by now had used when it was last seen. */
  #lastOf(component: Component): number {
    return (
      this.#readings.findLast(({ seconds }) => seconds[component] !== undefined)?.seconds[component] ?? 0
    );
  }

  #read(): void {
    const sum = (pids: readonly number[]) =>
      pids.reduce(
        (total, pid) => total + ((this.inContainers ? containerSeconds(pid) : undefined) ?? treeSeconds(pid)),
        0,
      );
    const k6 = k6Pids();
    this.#readings.push({
      atMs: Date.now(),
      seconds: {
        ...Object.fromEntries([...this.pids].map(([component, pids]) => [component, sum(pids)])),
        ...(k6.length > 0 && { k6: k6.reduce((total, pid) => total + treeSeconds(pid), 0) }),
      },
      machine: machineTicks(),
    });
  }
}
