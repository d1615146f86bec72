import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cpuPerRequest, groupProcesses, readCpu } from '../../cpu-time.js';
import {
  findChildren,
  findGroupMembers,
  readCommand,
  readCpuSeconds,
  readSockets,
  readStartTime,
} from '../../processes.js';
import { waitUntil } from '../../wait-until.js';

/** Its first child works and ends, its second one stays. */
const SCRIPT = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done & wait; sleep 60 & echo ready; wait';

describe('a process of this machine', () => {
  let shell: ChildProcess;
  beforeAll(async () => {
    shell = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    await once(shell.stdout!, 'data');
    const sleeps = () => readCommand(findChildren(shell.pid!)[0]!) === 'sleep 60';
    await waitUntil(sleeps, { what: 'the second child sleeps', timeoutMs: 10_000, intervalMs: 5 });
  });
  afterAll(() => void process.kill(-shell.pid!, 'SIGKILL'));

  it('is told from a later one with the same id by its start', async () => {
    const start = readStartTime(shell.pid!);
    expect(start).toMatch(/^\d+$/);
    expect(readStartTime(shell.pid!)).toBe(start);
    const ended = spawn('true');
    await once(ended, 'exit');
    expect(readStartTime(ended.pid!)).toBeUndefined();
  });

  it('has a command, children and a group', () => {
    const [child] = findChildren(shell.pid!);
    expect(readCommand(child!)).toBe('sleep 60');
    expect(findGroupMembers(shell.pid!)).toEqual([shell.pid, child].sort((a, b) => a! - b!));
  });

  it('counts the CPU time of children that have ended as its own', () => {
    expect(readCpuSeconds(shell.pid!)).toBeGreaterThan(0);
  });

  it('has its sockets counted', async () => {
    const before = readSockets(process.pid).length;
    const server = createServer().listen(0);
    await once(server, 'listening');
    expect(readSockets(process.pid)).toHaveLength(before + 1);
    server.close();
  });
});

describe('CPU time by service', () => {
  it('is of all replicas of a kind, and of what runs only', () => {
    const services = [
      { service: 'api-1', pid: 1 },
      { service: 'api-2', pid: 2 },
      { service: 'redis', pid: 3 },
      { service: 'nginx' },
    ];
    expect(groupProcesses(services)).toEqual({ api: [1, 2], redis: [3] });
  });

  it('refuses to read a process that is gone, whose time nobody knows', async () => {
    const ended = spawn('true');
    await once(ended, 'exit');
    expect(() => readCpu({ api: [process.pid, ended.pid!] })).toThrow(`process ${ended.pid} is gone`);
    expect(readCpu({ api: [process.pid] })['api']).toBeGreaterThan(0);
  });

  it('is told in microseconds for each request', () => {
    expect(cpuPerRequest({ api: 1 }, { api: 3, redis: 1 }, 1_000)).toEqual({ api: 2_000, redis: 1_000 });
  });
});
