import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Linux reports CPU time in this unit on every architecture (USER_HZ). */
const ticksPerSecond = 100;

interface Stat {
  state: string;
  parent: number;
  group: number;
  /** User and system, all threads, dead ones too. */
  cpuTicks: number;
  /** The same of children that have ended (Redis forks to rewrite its AOF, nginx's workers go at a reload). */
  endedChildrenTicks: number;
  /** Clock ticks after boot: together with the pid it names one process and no other. */
  started: string;
}

/** /proc/PID/stat. The second field is a name that may hold blanks and brackets: split after its last bracket. */
function readStat(pid: number): Stat | undefined {
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
    endedChildrenTicks: number(13) + number(14),
    started: fields[19] ?? '',
  };
  return found.state === 'Z' || found.state === 'X' ? undefined : found;
}

/** When a live process started: compare it before signalling a pid that was read from a file. */
export const readStartTime = (pid: number): string | undefined => readStat(pid)?.started;

/** One scan of /proc: all live processes. */
function listProcesses(): { pid: number; stat: Stat }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name) => {
    const found = readStat(Number(name));
    return found ? [{ pid: Number(name), stat: found }] : [];
  });
}

/** Live processes of a process group, its leader or not. A group's id is given to no new process while one lives. */
export const findGroupMembers = (group: number): number[] =>
  listProcesses().flatMap((process) => (process.stat.group === group ? [process.pid] : []));

export const findChildren = (parent: number): number[] =>
  listProcesses().flatMap((process) => (process.stat.parent === parent ? [process.pid] : []));

/** CPU time of a process and its children, those that have ended too, in seconds and steps of 10 ms. */
export function readCpuSeconds(pid: number): number | undefined {
  const own = readStat(pid);
  if (!own) return undefined;
  const found = [own, ...findChildren(pid).flatMap((child) => readStat(child) ?? [])];
  return found.reduce((sum, one) => sum + one.cpuTicks + one.endedChildrenTicks, 0) / ticksPerSecond;
}

/** Live processes below each of these and the processes themselves, with their own CPU seconds; one scan for all. */
export function readCpuSecondsBelow(roots: readonly number[]): Map<number, Map<number, number>> {
  const all = listProcesses();
  const collect = (pid: number): [number, number][] =>
    all.flatMap((process): [number, number][] => {
      if (process.pid === pid) return [[pid, process.stat.cpuTicks / ticksPerSecond]];
      return process.stat.parent === pid ? collect(process.pid) : [];
    });
  return new Map(roots.map((root) => [root, new Map(collect(root))]));
}

export function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** Inodes of the sockets a process holds. @throws when it is gone, or somebody else's */
export function readSockets(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}
