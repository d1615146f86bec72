import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Stack } from '../../../stack/types.js';
import { CpuAccounting } from '../../cpu-accounting.js';

describe('CPU accounting', () => {
  let busy: ChildProcess;
  let idle: ChildProcess;

  beforeEach(() => {
    busy = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    idle = spawn('sleep', ['30'], { stdio: 'ignore' });
  });
  afterEach(() => {
    busy.kill('SIGKILL');
    idle.kill('SIGKILL');
  });

  const stack = () =>
    ({
      mode: 'native',
      status: () =>
        Promise.resolve([
          { service: 'api-1', pid: busy.pid },
          { service: 'api-2', pid: idle.pid },
        ]),
    }) as unknown as Stack;

  it('tells the busiest replica from all together, and leaves out what it never saw', async () => {
    const accounting = await CpuAccounting.start(stack(), ['api-1', 'api-2']);
    const fromMs = Date.now();
    await sleep(1_000);
    const toMs = Date.now();
    accounting.stop();
    const { used, machine, stolen } = accounting.between(fromMs, toMs);
    const api = used.get('api')!;
    expect(api.seconds).toBeGreaterThan(0.1);
    expect(api.busiestSeconds).toBeCloseTo(api.seconds, 1);
    expect(api.leastSeconds).toBeLessThan(0.1);
    expect(machine).toBeGreaterThan(0);
    expect(stolen).toBeGreaterThanOrEqual(0);
    expect(used.has('k6')).toBe(false);
  });

  it('leaves out replicas that do not serve, and counts an InfluxDB of another instance', async () => {
    const accounting = await CpuAccounting.start(stack(), ['api-2'], busy.pid);
    const fromMs = Date.now();
    await sleep(1_000);
    const toMs = Date.now();
    accounting.stop();
    const { used } = accounting.between(fromMs, toMs);
    expect(used.get('api')!.seconds).toBeLessThan(0.1);
    expect(used.get('influxdb')!.seconds).toBeGreaterThan(0.1);
  });

  it('keeps what a process had used when it ends meanwhile', async () => {
    const accounting = await CpuAccounting.start(stack(), ['api-1', 'api-2']);
    const fromMs = Date.now();
    await sleep(1_000);
    busy.kill('SIGKILL');
    await sleep(600);
    const toMs = Date.now();
    accounting.stop();
    expect(accounting.between(fromMs, toMs).used.get('api')!.seconds).toBeGreaterThan(0.1);
  });
});
