import { formatNumber } from '../../common/format.js';
import { table } from '../../common/table.js';
import { HEADROOM, type Need, type Part, type Rush } from './model.js';

const NEXT_STEP: Readonly<Record<Part, string>> = {
  nginx: 'more nginx workers on more cores, then more front doors behind DNS or a TCP balancer',
  api: 'more replicas: `make scale API=n`',
  redis:
    'campaigns over the partitions of a Redis Cluster; for one single campaign, its stock divided into as many ' +
    'shares as primaries, users assigned by a hash of their id',
  worker: 'more workers: each takes partitions of its own',
  database:
    'nothing at once: rows arrive later, answers do not; then a database for each group of partitions',
};

const cores = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

/** The need of a rush, for people. */
export function describeNeed(
  rush: Rush,
  need: Need,
  from: string,
  drainPerSecond: number | undefined,
): string {
  const lines = need.parts.map(({ part, cpuUsPerCoupon, busyCores, cores: provided }) => [
    part,
    `${cpuUsPerCoupon.toFixed(1)} µs`,
    cores(busyCores),
    cores(provided),
  ]);
  const drain = drainPerSecond
    ? [`  one worker has all rows in the database after ${Math.ceil(rush.users / drainPerSecond)} s`]
    : [];
  return [
    `${formatNumber(rush.users)} users in ${rush.seconds} s (CPU per coupon measured ${from})`,
    table([
      ['part', 'CPU per coupon', 'cores busy', `cores to provide (${HEADROOM * 100} % busy)`],
      ...lines,
    ]),
    `  ${need.replicas} api replicas, ${need.frontDoors} front doors, ${need.redisPrimaries} Redis primaries, ` +
      `${cores(need.totalCores)} cores in all, load generators not counted`,
    ...drain,
    `  full first: ${need.firstFull.part}, at ${formatNumber(need.firstFull.usersPerSecond, 0)} users/s. ` +
      `Then: ${NEXT_STEP[need.firstFull.part]}.`,
  ].join('\n');
}
