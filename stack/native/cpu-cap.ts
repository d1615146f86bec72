import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const periodMicroseconds = 100_000;
const groupOf = (root: string, folder: string, service: string): string =>
  join(root, `coupon-rush-${basename(folder)}-${service}`);

const v1Root = '/sys/fs/cgroup/cpu';
const v2Root = '/sys/fs/cgroup';
const isV2 = (): boolean => existsSync(join(v2Root, 'cgroup.controllers'));

function capV1(group: string, quota: number): void {
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, 'cpu.cfs_period_us'), String(periodMicroseconds));
  writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
}

function capV2(group: string, quota: number): void {
  const controllers = join(v2Root, 'cgroup.subtree_control');
  if (!readFileSync(controllers, 'utf8').includes('cpu')) writeFileSync(controllers, '+cpu');
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, 'cpu.max'), `${quota} ${periodMicroseconds}`);
}

/**
 * Caps the CPU of a process and of all it starts, through cgroups v1 or v2. Needs root.
 *
 * @returns a line for people: done, or why not (the process then runs without a cap)
 */
export function capCpu(folder: string, service: string, pid: number, cpus: number): string {
  const quota = Math.max(1_000, Math.round(cpus * periodMicroseconds));
  const v2 = isV2();
  const group = groupOf(v2 ? v2Root : v1Root, folder, service);
  try {
    if (!v2 && !existsSync(v1Root)) throw new Error('this machine has no cgroups');
    if (v2) capV2(group, quota);
    else capV1(group, quota);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    return `${service}: at most ${cpus} CPU (cgroup v${v2 ? 2 : 1})`;
  } catch (error) {
    return `${service}: runs without its CPU cap of ${cpus} (${error instanceof Error ? error.message : error})`;
  }
}

/** Removes the empty group; harmless when there is none. */
export function releaseCpuCap(folder: string, service: string): void {
  try {
    rmdirSync(groupOf(isV2() ? v2Root : v1Root, folder, service));
  } catch {
    // There was none.
  }
}
