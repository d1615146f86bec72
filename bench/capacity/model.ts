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

/** What one deployment as it is shipped can use. */
export const SHIPPED = {
  /** Connections one front door can hold, clients and upstream together. */
  nginxConnections: 2 * 16_384,
  cores: {
    // One for each worker of a front door.
    nginx: 2,
    // One thread executes commands.
    redis: 1,
    // One writer for each partition of the streams.
    worker: 16,
    // Replicas are added.
    api: Infinity,
    // Writes later when it must: it delays rows, not answers.
    database: Infinity,
  } satisfies Record<Part, number>,
};

export type Need = ReturnType<typeof computeNeed>;

/** Pure arithmetic on measured CPU: users × µs ÷ seconds. @throws when a number is not positive */
export function computeNeed(rush: Rush, cpu: CpuPerCoupon) {
  if (!(rush.users > 0) || !(rush.seconds > 0))
    throw new RangeError('users and seconds must be positive numbers');
  const perSecond = rush.users / rush.seconds;
  // `cores` are to be provided, so that no more than HEADROOM of them is busy.
  const parts = PARTS.map((part) => {
    const busyCores = (perSecond * cpu[part]) / 1e6;
    return { part, cpuUsPerCoupon: cpu[part], busyCores, cores: busyCores / HEADROOM };
  });
  const findCores = (part: Part) => parts.find((need) => need.part === part)!.cores;
  const byLimit = PARTS.map((part) => ({
    part,
    usersPerSecond: (SHIPPED.cores[part] * HEADROOM * 1e6) / cpu[part],
  }));
  // A client that waits holds one connection here and one to a replica.
  const byConnections = (2 * rush.users) / SHIPPED.nginxConnections;
  return {
    parts,
    replicas: Math.ceil(findCores('api')),
    // For the CPU, and for the connections: the larger one counts.
    frontDoors: Math.ceil(Math.max(findCores('nginx') / SHIPPED.cores.nginx, byConnections)),
    // More than one: stock divided by user, or campaigns over the partitions of a cluster.
    redisPrimaries: Math.ceil(findCores('redis') / SHIPPED.cores.redis),
    totalCores: parts.reduce((sum, { cores }) => sum + cores, 0),
    // When users grow, and how many users a second it takes.
    firstFull: byLimit.reduce((least, next) => (next.usersPerSecond < least.usersPerSecond ? next : least)),
  };
}
