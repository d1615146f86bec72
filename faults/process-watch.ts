import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { childrenOf } from '../stack/process-identity.js';
import type { Stack } from '../stack/index.js';

/** Of one process, as the kernel has it. */
export interface ProcessSample {
  service: string;
  pid: number;
  rssMiB: number;
  sockets: number;
}

const rssMiB = (pid: number): number => {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round((Number(kib ?? 0) / 1_024) * 10) / 10;
};

function socketsOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

/** Every process of a native stack, nginx's workers as `nginx/PID`. */
export async function sampleProcesses(stack: Stack): Promise<ProcessSample[]> {
  const services = (await stack.status()).flatMap(({ service, pid }) =>
    pid === undefined ? [] : [{ service, pid }],
  );
  const workers = services
    .filter(({ service }) => service === 'nginx')
    .flatMap(({ pid }) => childrenOf(pid).map((child) => ({ service: `nginx/${child}`, pid: child })));
  return [...services, ...workers].flatMap((one) => {
    try {
      return [{ ...one, rssMiB: rssMiB(one.pid), sockets: socketsOf(one.pid) }];
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
