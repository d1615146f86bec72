import type { ServiceStatus } from '../types.js';
import { cpuSeconds, type Container } from './containers.js';

const toServiceName = ({ service, number }: Container): string =>
  service === 'mysql'
    ? 'database'
    : service === 'api' || service === 'worker'
      ? `${service}-${number}`
      : service;

export async function toStatus(container: Container): Promise<ServiceStatus> {
  const { running, health, exitCode, pid, startedAt, ports } = container;
  const service = toServiceName(container);
  if (!running) return { service, state: 'stopped', note: `exit status ${exitCode}` };
  const port = ports.get(8080);
  const cpu = await cpuSeconds(container.id);
  return {
    service,
    state: health === 'healthy' ? 'ready' : 'running',
    pid,
    startedAt,
    ...(port && { port }),
    ...(cpu !== undefined && { cpuSeconds: cpu }),
    ...(health === 'unhealthy' && { note: 'health check fails' }),
  };
}
