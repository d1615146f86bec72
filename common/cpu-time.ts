import { readCpuSeconds } from './processes.js';

/** CPU time in seconds, user + system. */
export type CpuByService = Readonly<Record<string, number>>;

/** The processes of each service; a process's live children (nginx's workers) belong to it. */
export type Processes = Readonly<Record<string, readonly number[]>>;

/** `api-2` is an `api`. */
export const serviceKind = (service: string): string => service.replace(/-\d+$/, '');

/** Processes by kind of service; those that do not run are left out. */
export function groupProcesses(
  services: readonly { readonly service: string; readonly pid?: number | undefined }[],
): Processes {
  const processes: Record<string, number[]> = {};
  for (const { service, pid } of services) {
    if (pid !== undefined) (processes[serviceKind(service)] ??= []).push(pid);
  }
  return processes;
}

/** CPU time each service has used since it started. @throws when one of the processes is gone */
export function readCpu(processes: Processes): CpuByService {
  const read = (pid: number) => {
    const seconds = readCpuSeconds(pid);
    if (seconds === undefined) throw new Error(`process ${pid} is gone`);
    return seconds;
  };
  return Object.fromEntries(
    Object.entries(processes).map(([service, pids]) => [
      service,
      pids.reduce((sum, pid) => sum + read(pid), 0),
    ]),
  );
}

/** µs of CPU each service spent per request between two readings. */
export const cpuPerRequest = (before: CpuByService, after: CpuByService, requests: number): CpuByService =>
  Object.fromEntries(
    Object.entries(after).map(([service, seconds]) => [
      service,
      ((seconds - (before[service] ?? 0)) * 1e6) / requests,
    ]),
  );
