import type { ServiceStatus, Stack } from '../stack/index.js';

/** CPU seconds by kind of service: `api` is the sum of its replicas. */
export type CpuSeconds = Record<string, number>;

const kindOf = (service: string): string => service.replace(/-\d+$/, '');

function sumCpu(services: readonly ServiceStatus[]): CpuSeconds {
  const sum: CpuSeconds = {};
  for (const { service, cpuSeconds } of services) {
    if (cpuSeconds !== undefined) sum[kindOf(service)] = (sum[kindOf(service)] ?? 0) + cpuSeconds;
  }
  return sum;
}

export const readCpu = async (stack: Pick<Stack, 'status'>): Promise<CpuSeconds> =>
  sumCpu(await stack.status());

/** Microseconds of CPU for each of `count` answers; empty when the mode does not tell CPU times. */
export function cpuPerAnswer(before: CpuSeconds, after: CpuSeconds, count: number): Record<string, number> {
  if (count === 0) return {};
  const used = Object.entries(after).map(
    ([kind, seconds]) => [kind, Math.round(((seconds - (before[kind] ?? 0)) * 1e6) / count)] as const,
  );
  return Object.fromEntries(used.filter(([, micros]) => micros >= 0));
}
