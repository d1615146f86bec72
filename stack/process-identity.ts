import { readFileSync, readdirSync } from 'node:fs';

/** Linux reports CPU time in this unit on every architecture (USER_HZ). */
const ticksPerSecond = 100;

interface Stat {
  state: string;
  parent: number;
  group: number;
  cpuTicks: number;
  /** Clock ticks after boot: together with the pid it names one process and no other. */
  started: string;
}

/** /proc/PID/stat. The second field is a name that may hold blanks and brackets: split after its last bracket. */
function stat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (index: number) => Number(fields[index]);
  const found = {
    state: fields[0] ?? '',
    parent: number(1),
    group: number(2),
    cpuTicks: number(11) + number(12),
    started: fields[19] ?? '',
  };
  return found.state === 'Z' || found.state === 'X' ? undefined : found;
}

/** When a live process started: compare it before signalling a pid that was read from a file. */
export const startOf = (pid: number): string | undefined => stat(pid)?.started;

/** One scan of /proc: all live processes. */
function everyProcess(): { pid: number; stat: Stat }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    const found = stat(Number(name));
    return found ? [{ pid: Number(name), stat: found }] : [];
  });
}

/** Live processes of a process group, its leader or not. A group's id is given to no new process while one lives. */
export const groupMembers = (group: number): number[] =>
  everyProcess().flatMap((process) => (process.stat.group === group ? [process.pid] : []));

export const childrenOf = (parent: number): number[] =>
  everyProcess().flatMap((process) => (process.stat.parent === parent ? [process.pid] : []));

/** CPU time of a process and its live children, in seconds. */
export function cpuSecondsOf(pid: number): number | undefined {
  const own = stat(pid);
  if (!own) return undefined;
  const ticks = childrenOf(pid).reduce((sum, child) => sum + (stat(child)?.cpuTicks ?? 0), own.cpuTicks);
  return ticks / ticksPerSecond;
}

/** Live processes below each of these and the processes themselves, with their own CPU seconds; one scan for all. */
export function cpuSecondsBelow(roots: readonly number[]): Map<number, Map<number, number>> {
  const all = everyProcess();
  const collect = (pid: number): [number, number][] =>
    all.flatMap((process): [number, number][] => {
      if (process.pid === pid) return [[pid, process.stat.cpuTicks / ticksPerSecond]];
      return process.stat.parent === pid ? collect(process.pid) : [];
    });
  return new Map(roots.map((root) => [root, new Map(collect(root))]));
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
