import { readFileSync } from 'node:fs';
import { childrenOf } from '../../stack/process-identity.js';

/** Linux reports CPU time in this unit on every architecture (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU time in seconds, user + system. */
export type CpuByService = Readonly<Record<string, number>>;

/** The processes of each service; a process's live children (nginx's workers) belong to it. */
export type Processes = Readonly<Record<string, readonly number[]>>;

/**
 * utime + stime of all threads, dead ones too, and of children that have ended (Redis forks to rewrite its AOF): fields 14 to
 * 17 of /proc/PID/stat, in steps of 10 ms.
 */
function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / TICKS_PER_SECOND;
}

/** CPU time each service has used since it started. @throws when one of the processes is gone */
export function readCpu(processes: Processes): CpuByService {
  const sum = (pids: readonly number[]) =>
    pids.flatMap((pid) => [pid, ...childrenOf(pid)]).reduce((total, pid) => total + cpuSeconds(pid), 0);
  return Object.fromEntries(Object.entries(processes).map(([service, pids]) => [service, sum(pids)]));
}

/** µs of CPU each service spent per request between two readings. */
export const cpuPerRequest = (before: CpuByService, after: CpuByService, requests: number): CpuByService =>
  Object.fromEntries(
    Object.entries(after).map(([service, seconds]) => [
      service,
      ((seconds - (before[service] ?? 0)) * 1e6) / requests,
    ]),
  );
