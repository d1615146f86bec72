import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

interface Group {
  /** CPUs a second; Infinity without a quota. */
  readonly quota: number;
  /** How long its processes were held back by the quota, in seconds. */
  readonly throttledSeconds: number;
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return otherwise;
  }
}

const counter = (stat: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);

function readGroupV2(folder: string): Group {
  const [quota = 'max', period = '100000'] = readOr(join(folder, 'cpu.max'), 'max').split(' ');
  return {
    quota: quota === 'max' ? Infinity : Number(quota) / Number(period),
    throttledSeconds: counter(readOr(join(folder, 'cpu.stat'), ''), 'throttled_usec') / 1e6,
  };
}

function readGroupV1(folder: string): Group {
  const quota = Number(readOr(join(folder, 'cpu.cfs_quota_us'), '-1'));
  return {
    quota: quota < 0 ? Infinity : quota / Number(readOr(join(folder, 'cpu.cfs_period_us'), '100000')),
    throttledSeconds: counter(readOr(join(folder, 'cpu.stat'), ''), 'throttled_time') / 1e9,
  };
}

/** This process's groups, innermost first: each may have a quota. */
function readGroups(root: string, memberships: string): Group[] {
  const isV2 = existsSync(join(root, 'cgroup.controllers'));
  const own = (isV2 ? /^0::(.*)$/m : /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m).exec(memberships)?.[1];
  if (own === undefined) return [];
  const paths: string[] = [];
  for (let path = own; ; path = dirname(path)) {
    paths.push(path);
    if (path === dirname(path)) break;
  }
  return paths.map((path) => (isV2 ? readGroupV2(join(root, path)) : readGroupV1(join(root, 'cpu', path))));
}

export interface CpuSupply {
  /** What this process and its children may use: CPUs of its affinity, or less by a quota of cgroups v1 or v2. */
  readonly cpus: number;
  /** How long they have been held back by a quota, in seconds of all their CPUs. */
  readonly throttledSeconds: number;
}

export function readCpuSupply(
  root = '/sys/fs/cgroup',
  memberships = readOr('/proc/self/cgroup', ''),
): CpuSupply {
  const groups = readGroups(root, memberships);
  return {
    cpus: Math.min(availableParallelism(), ...groups.map(({ quota }) => quota)),
    throttledSeconds: Math.max(0, ...groups.map(({ throttledSeconds }) => throttledSeconds)),
  };
}
