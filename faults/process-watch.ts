import { readFileSync } from 'node:fs';
import { roundTo } from '../common/format.js';
import { findChildren, readCommand, readSockets } from '../common/processes.js';
import type { Stack } from '../stack/types.js';

/** Of one process, as the kernel has it. */
export interface ProcessSample {
  service: string;
  pid: number;
  rssMiB: number;
  sockets: number;
}

const rssMiB = (pid: number): number => {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return roundTo(Number(kib ?? 0) / 1_024, 1);
};

/** nginx's cache loader ends by itself after a minute. */
const staysAlive = (pid: number): boolean => !readCommand(pid).includes('cache loader');

/** Every process of a native stack, nginx's workers as `nginx/PID`. */
export async function sampleProcesses(stack: Stack): Promise<ProcessSample[]> {
  const services = (await stack.status()).flatMap(({ service, pid }) =>
    pid === undefined ? [] : [{ service, pid }],
  );
  const workers = services
    .filter(({ service }) => service === 'nginx')
    .flatMap(({ pid }) =>
      findChildren(pid)
        .filter(staysAlive)
        .map((child) => ({ service: `nginx/${child}`, pid: child })),
    );
  return [...services, ...workers].flatMap((one) => {
    try {
      return [{ ...one, rssMiB: rssMiB(one.pid), sockets: readSockets(one.pid).length }];
    } catch {
      // It ended between two looks: whoever compares samples sees that it is missing.
      return [];
    }
  });
}

/** The same by service: nginx's processes are one. */
export async function sampleServices(stack: Stack): Promise<Omit<ProcessSample, 'pid'>[]> {
  const byService = new Map<string, Omit<ProcessSample, 'pid'>>();
  for (const { service: name, rssMiB, sockets } of await sampleProcesses(stack)) {
    const service = name.startsWith('nginx') ? 'nginx' : name;
    const sum = byService.get(service) ?? { service, rssMiB: 0, sockets: 0 };
    byService.set(service, { service, rssMiB: sum.rssMiB + rssMiB, sockets: sum.sockets + sockets });
  }
  return [...byService.values()];
}
