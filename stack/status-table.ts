import { table } from '../common/table.js';
import type { ServiceStatus } from './types.js';

/** 3h 20m, 20m 5s, 5s */
function formatUptime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

function rowOf(service: ServiceStatus): string[] {
  const { startedAt, cpuSeconds } = service;
  return [
    service.service,
    service.state,
    String(service.pid ?? '-'),
    String(service.port ?? '-'),
    startedAt ? formatUptime(Date.now() - startedAt.getTime()) : '-',
    cpuSeconds === undefined ? '-' : `${cpuSeconds.toFixed(1)} s`,
    service.note ?? '',
  ];
}

export const statusTable = (services: readonly ServiceStatus[]): string =>
  table([['service', 'state', 'pid', 'port', 'up', 'cpu', ''], ...services.map(rowOf)]);
