import { cpuPerRequest, serviceKind, type CpuByService } from '../common/cpu-time.js';
import type { Stack } from '../stack/types.js';

/** `api` is the sum of its replicas. */
export async function readStackCpu(stack: Pick<Stack, 'status'>): Promise<CpuByService> {
  const sum: Record<string, number> = {};
  for (const { service, cpuSeconds } of await stack.status()) {
    if (cpuSeconds !== undefined) sum[serviceKind(service)] = (sum[serviceKind(service)] ?? 0) + cpuSeconds;
  }
  return sum;
}

/** Microseconds of CPU for each of `count` answers; empty when the mode does not tell CPU times. */
export function cpuPerAnswer(before: CpuByService, after: CpuByService, count: number): CpuByService {
  if (count === 0) return {};
  const used = Object.entries(cpuPerRequest(before, after, count));
  return Object.fromEntries(used.flatMap(([kind, us]) => (us < 0 ? [] : [[kind, Math.round(us)]])));
}
