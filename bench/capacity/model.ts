/** The parts of the system that spend CPU on a coupon. */
export const PARTS = ['nginx', 'api', 'redis', 'worker', 'database'] as const;
export type Part = (typeof PARTS)[number];

/** µs of CPU for each issued coupon, by part. */
export type CpuPerCoupon = Readonly<Record<Part, number>>;

export interface Rush {
  readonly users: number;
  /** In how many seconds all of them should have their answer. */
  readonly seconds: number;
}

/** Above this share of a core queues grow faster than work is done: see any table of queueing. */
export const HEADROOM = 0.7;

/** What one deployment as it is shipped can use of each part. The database may take longer than the rush. */
export interface Limits {
  /** Cores one front door may use: one for each nginx worker. */
  readonly nginxCores: number;
  /** Connections one front door can hold, clients and upstream together. */
  readonly nginxConnections: number;
  /** One thread executes commands. */
  readonly redisCores: number;
  /** One writer for each partition of the streams. */
  readonly workers: number;
}

export const SHIPPED: Limits = { nginxCores: 2, nginxConnections: 2 * 16_384, redisCores: 1, workers: 16 };

interface PartNeed {
  readonly part: Part;
  readonly cpuUsPerCoupon: number;
  /** Cores busy during the rush. */
  readonly busyCores: number;
  /** Cores to provide, so that no more than HEADROOM of them is busy. */
  readonly cores: number;
}

export interface Need {
  readonly parts: readonly PartNeed[];
  readonly replicas: number;
  /** Front doors for the CPU, and for the connections: the larger one counts. */
  readonly frontDoors: number;
  /** Redis primaries; more than one: stock divided by user, or campaigns over the partitions of a cluster. */
  readonly redisPrimaries: number;
  readonly totalCores: number;
  /** The fixed part that is full first when users grow, and how many users a second it takes. */
  readonly firstFull: { readonly part: Part; readonly usersPerSecond: number };
}

/** A fixed part's own limit, in users a second at HEADROOM. The api has none: replicas are added. */
function limitOf(part: Part, cpuUs: number, limits: Limits): number {
  const cores = { nginx: limits.nginxCores, redis: limits.redisCores, worker: limits.workers, api: Infinity };
  // The database writes later when it must: it delays rows, not answers.
  if (part === 'database') return Infinity;
  return (cores[part] * HEADROOM * 1e6) / cpuUs;
}

/** Pure arithmetic on measured CPU: users × µs ÷ seconds. @throws when a number is not positive */
export function needOf(rush: Rush, cpu: CpuPerCoupon, limits: Limits = SHIPPED): Need {
  if (!(rush.users > 0) || !(rush.seconds > 0))
    throw new RangeError('users and seconds must be positive numbers');
  const perSecond = rush.users / rush.seconds;
  const parts = PARTS.map((part): PartNeed => {
    const busyCores = (perSecond * cpu[part]) / 1e6;
    return { part, cpuUsPerCoupon: cpu[part], busyCores, cores: busyCores / HEADROOM };
  });
  const coresOf = (part: Part) => parts.find((need) => need.part === part)!.cores;
  const byLimit = PARTS.map((part) => ({ part, usersPerSecond: limitOf(part, cpu[part], limits) }));
  // A client that waits holds one connection here and one to a replica.
  const byConnections = (2 * rush.users) / limits.nginxConnections;
  return {
    parts,
    replicas: Math.ceil(coresOf('api')),
    frontDoors: Math.ceil(Math.max(coresOf('nginx') / limits.nginxCores, byConnections)),
    redisPrimaries: Math.ceil(coresOf('redis') / limits.redisCores),
    totalCores: parts.reduce((sum, { cores }) => sum + cores, 0),
    firstFull: byLimit.reduce((least, next) => (next.usersPerSecond < least.usersPerSecond ? next : least)),
  };
}
