import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readCpuSupply } from '../../cpu-supply.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cgroups-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
};

describe('the CPUs a process may use', () => {
  it('are the least of its groups’ quotas (cgroups v2)', () => {
    write('cgroup.controllers', 'cpu memory');
    write('outer/cpu.max', '50000 100000\n');
    write('outer/cpu.stat', 'usage_usec 9\nnr_throttled 3\nthrottled_usec 2500000\n');
    write('outer/inner/cpu.max', 'max 100000\n');
    expect(readCpuSupply(root, '0::/outer/inner\n')).toEqual({ cpus: 0.5, throttledSeconds: 2.5 });
  });

  it('are the least of its groups’ quotas (cgroups v1)', () => {
    write('cpu/cpu.cfs_quota_us', '-1\n');
    write('cpu/jobs/cpu.cfs_quota_us', '2500\n');
    write('cpu/jobs/cpu.cfs_period_us', '10000\n');
    write('cpu/jobs/cpu.stat', 'nr_periods 5\nnr_throttled 1\nthrottled_time 300000000\n');
    const memberships = '4:memory:/else\n2:cpu,cpuacct:/jobs\n0::/\n';
    expect(readCpuSupply(root, memberships)).toEqual({ cpus: 0.25, throttledSeconds: 0.3 });
  });

  it('are all of this machine’s where no group has a quota, or there are no groups', () => {
    expect(readCpuSupply(root, '1:cpu:/\n')).toEqual({ cpus: availableParallelism(), throttledSeconds: 0 });
    expect(readCpuSupply(root, '')).toEqual({ cpus: availableParallelism(), throttledSeconds: 0 });
  });
});
