import { docker } from './docker.js';

export interface Container {
  readonly id: string;
  /** `api`, and its number among them, from 1. */
  readonly service: string;
  readonly number: number;
  readonly running: boolean;
  /** Absent where the service has no health check. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy';
  readonly exitCode: number;
  readonly startedAt: Date;
  readonly pid: number;
  /** Container port → port of this machine. */
  readonly ports: ReadonlyMap<number, number>;
  readonly addresses: readonly string[];
}

interface Inspected {
  Id: string;
  State: { Running: boolean; ExitCode: number; StartedAt: string; Pid: number; Health?: { Status: string } };
  Config: { Labels: Record<string, string> };
  HostConfig: { PortBindings: Record<string, { HostPort: string }[]> | null };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

const label = 'com.docker.compose';

function toContainer({ Id, State, Config, HostConfig, NetworkSettings }: Inspected): Container {
  const bindings = Object.entries(HostConfig.PortBindings ?? {});
  const health = State.Health?.Status as Container['health'];
  return {
    id: Id,
    service: Config.Labels[`${label}.service`] ?? '',
    number: Number(Config.Labels[`${label}.container-number`] ?? 1),
    running: State.Running,
    ...(health && { health }),
    exitCode: State.ExitCode,
    startedAt: new Date(State.StartedAt),
    pid: State.Pid,
    ports: new Map(bindings.map(([port, hosts]) => [parseInt(port), Number(hosts[0]?.HostPort ?? 0)])),
    addresses: Object.values(NetworkSettings.Networks).map((network) => network.IPAddress),
  };
}

/** Containers of a compose project, stopped ones too, in order of service and number. */
export async function listContainers(project: string, service?: string): Promise<Container[]> {
  const filters = [`label=${label}.project=${project}`, `label=${label}.oneoff=False`];
  if (service) filters.push(`label=${label}.service=${service}`);
  const ids = await docker([
    'ps',
    '--all',
    '--quiet',
    '--no-trunc',
    ...filters.flatMap((f) => ['--filter', f]),
  ]);
  if (ids === '') return [];
  const inspected = JSON.parse(await docker(['inspect', ...ids.split('\n')])) as Inspected[];
  return inspected.map(toContainer).sort((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
}

/** CPU time of a running container since its start, in seconds: from its cgroup, of version 2 or 1. */
export async function cpuSeconds(id: string): Promise<number | undefined> {
  const script = 'cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage';
  const text = await docker(['exec', id, 'sh', '-c', script]).catch(() => '');
  const microseconds = /^usage_usec (\d+)/m.exec(text)?.[1];
  if (microseconds) return Number(microseconds) / 1e6;
  return /^\d+$/.test(text) ? Number(text) / 1e9 : undefined;
}
