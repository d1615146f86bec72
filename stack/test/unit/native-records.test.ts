import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readStartTime } from '../../../common/processes.js';
import { withLock } from '../../native/lock.js';
import { ManagedService } from '../../native/managed-service.js';
import { Ports } from '../../native/ports.js';
import type { ServiceSpec } from '../../native/service-spec.js';

const program = (script: string, changes: Partial<ServiceSpec> = {}): ServiceSpec => ({
  name: 'api-1',
  port: 1,
  command: process.execPath,
  args: ['-e', script],
  env: {},
  isReady: async () => true,
  readyTimeoutMs: 5_000,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 5_000,
  ...changes,
});

describe('processes of a native stack', () => {
  let folder: string;
  const said: string[] = [];
  const service = (spec: ServiceSpec) => new ManagedService(spec, folder, (line) => said.push(line));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'native-'));
    said.length = 0;
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test('another command finds the process by its record, and starting it again changes nothing', async () => {
    const spec = program('setInterval(() => {}, 1000)');
    expect(await service(spec).startUnlessRunning()).toBe(true);
    const other = service(spec);
    const { pid } = other;
    expect(await other.startUnlessRunning()).toBe(false);
    expect(other.pid).toBe(pid);
    await other.stop();
    expect(readStartTime(pid!)).toBeUndefined();
    expect(existsSync(join(folder, 'run', 'api-1.json'))).toBe(false);
  });

  test('a pid that belongs to another process by now is neither taken for the service nor signalled', async () => {
    const stranger: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
    });
    await once(stranger, 'spawn');
    mkdirSync(join(folder, 'run'));
    const record = { pid: stranger.pid, started: '1', startedAt: new Date().toISOString() };
    writeFileSync(join(folder, 'run', 'api-1.json'), JSON.stringify(record));
    const stale = service(program(''));
    expect(stale.pid).toBeUndefined();
    await stale.stop();
    expect(readStartTime(stranger.pid!)).toBeDefined();
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  });

  test('one that ignores its stop signal is killed, and so is what it has started', async () => {
    const child = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])`;
    const script = `process.on('SIGTERM', () => {}); const c = ${child}; require('node:fs').writeFileSync('${folder}/child', String(c.pid)); setInterval(() => {}, 1000)`;
    const ready = async () => existsSync(join(folder, 'child'));
    const stubborn = service(program(script, { isReady: ready, stopTimeoutMs: 200 }));
    await stubborn.start();
    const { pid } = stubborn;
    await stubborn.stop();
    expect(readStartTime(pid!)).toBeUndefined();
    expect(said.join()).toContain('killed');
  });

  test('one that ends while it starts fails with the end of its log', async () => {
    const broken = service(
      program('console.error("no such setting"); process.exit(1)', { isReady: async () => false }),
    );
    await expect(broken.start()).rejects.toThrow(/api-1 ended while it started[^]*no such setting/);
    expect(broken.pid).toBeUndefined();
  });

  test('work under the lock never overlaps', async () => {
    const file = join(folder, 'lock');
    let inside = 0;
    const work = () =>
      withLock(file, 10_000, async () => {
        inside += 1;
        await new Promise(setImmediate);
        expect(inside).toBe(1);
        inside -= 1;
      });
    await Promise.all([work(), work(), work()]);
  });

  test('the lock of a process that is gone is taken over', async () => {
    writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }));
    expect(await withLock(join(folder, 'lock'), 1_000, async () => 'done')).toBe('done');
  });

  test('a taken port is named with its owner and the variable that moves it', async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ports = new Ports('default', folder, { FRONT_PORT: String(port) });
    await expect(ports.requireFree('front', await ports.of('front'))).rejects.toThrow(
      new RegExp(`port ${port} .*process ${process.pid} .*FRONT_PORT`),
    );
    server.close();
  });

  test('another instance keeps its ports over restarts and gives no port twice', async () => {
    const first = new Ports('other', folder, {});
    const given = [await first.of('front'), await first.of('api-1'), await first.of('api-2')];
    expect(new Set(given).size).toBe(3);
    expect(await new Ports('other', folder, {}).of('api-2')).toBe(given[2]);
  });
});
