import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { explain } from '../../common/command-line.js';

/** The least quota that Linux takes. */
const leastQuota = 1_000;

/**
 * Short, so that a capped process never stands still for long: with the usual 100 ms one that has used up its tenth of
 * a CPU answers nothing for 90 ms. Very small caps need a longer one, or the quota would be below the least.
 */
export function toQuota(cpus: number): { periodMicroseconds: number; quota: number } {
  const periodMicroseconds = Math.min(100_000, Math.max(10_000, Math.ceil(leastQuota / cpus)));
  return { periodMicroseconds, quota: Math.max(leastQuota, Math.round(cpus * periodMicroseconds)) };
}

/** Another checkout's instance of the same name must not share its caps: the whole path is in the name. */
function cgroupPath(root: string, folder: string, service: string): string {
  const place = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  return join(root, `coupon-rush-${basename(folder)}-${place}-${service}`);
}

const v1Root = '/sys/fs/cgroup/cpu';
const v2Root = '/sys/fs/cgroup';
const isV2 = (): boolean => existsSync(join(v2Root, 'cgroup.controllers'));

function capV1(group: string, cpus: number): void {
  const { periodMicroseconds, quota } = toQuota(cpus);
  mkdirSync(group, { recursive: true });
  // The old quota may exceed a shorter period, which Linux takes only without one.
  writeFileSync(join(group, 'cpu.cfs_quota_us'), '-1');
  writeFileSync(join(group, 'cpu.cfs_period_us'), String(periodMicroseconds));
  writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota));
}

function capV2(group: string, cpus: number): void {
  const { periodMicroseconds, quota } = toQuota(cpus);
  const controllers = join(v2Root, 'cgroup.subtree_control');
  if (!readFileSync(controllers, 'utf8').split(/\s+/).includes('cpu')) writeFileSync(controllers, '+cpu');
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, 'cpu.max'), `${quota} ${periodMicroseconds}`);
}

/**
 * Caps the CPU of a process and of all it starts, through cgroups v1 or v2. Needs root.
 *
 * @param folder of the instance
 * @returns null when done, else why not (the process then runs without a cap)
 */
export function capCpu(folder: string, service: string, pid: number, cpus: number): string | null {
  const v2 = isV2();
  const group = cgroupPath(v2 ? v2Root : v1Root, folder, service);
  try {
    if (!v2 && !existsSync(v1Root)) throw new Error('this machine has no cgroups');
    if (v2) capV2(group, cpus);
    else capV1(group, cpus);
    writeFileSync(join(group, 'cgroup.procs'), String(pid));
    return null;
  } catch (error) {
    return explain(error);
  }
}

/** Takes the cap off processes that go on running; harmless when there is none. */
export function liftCpuCap(folder: string, service: string): void {
  try {
    if (isV2()) writeFileSync(join(cgroupPath(v2Root, folder, service), 'cpu.max'), 'max');
    else writeFileSync(join(cgroupPath(v1Root, folder, service), 'cpu.cfs_quota_us'), '-1');
  } catch {
    // There was none.
  }
}

/** Removes the empty group; harmless when there is none. */
export function releaseCpuCap(folder: string, service: string): void {
  try {
    rmdirSync(cgroupPath(isV2() ? v2Root : v1Root, folder, service));
  } catch {
    // There was none.
  }
}
