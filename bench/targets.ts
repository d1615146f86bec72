import type { RowResult } from './measure.js';
import type { Specials } from './specials/index.js';

export interface Target {
  readonly id: string;
  readonly what: string;
  /** Null: not measured in this run. */
  readonly ratio: number | null;
  /** Such as `≤ 1.4`. */
  readonly target: string;
  readonly met: boolean | null;
}

export interface Measured {
  readonly rows: readonly RowResult[];
  readonly specials: Specials;
}

const atMost = (id: string, what: string, ratio: number | undefined, limit: number): Target =>
  verdict(id, what, ratio, `≤ ${limit}`, (value) => value <= limit);

const atLeast = (id: string, what: string, ratio: number | undefined, limit: number): Target =>
  verdict(id, what, ratio, `≥ ${limit}`, (value) => value >= limit);

function verdict(
  id: string,
  what: string,
  ratio: number | undefined,
  target: string,
  holds: (value: number) => boolean,
): Target {
  const measured = ratio !== undefined && Number.isFinite(ratio);
  return { id, what, ratio: measured ? ratio : null, target, met: measured ? holds(ratio) : null };
}

const per = (above: number | undefined, below: number | undefined): number | undefined =>
  above === undefined || below === undefined ? undefined : above / below;

const largest = (...values: (number | undefined)[]): number | undefined =>
  values.some((value) => value === undefined) ? undefined : Math.max(...(values as number[]));

/** The thirteen targets of the project, each a ratio of two things measured in the same run. */
export function checkTargets({ rows, specials }: Measured): Target[] {
  const row = (id: string) => rows.find((candidate) => candidate.id === id);
  const rate = (id: string) => row(id)?.kept?.requestsPerSecond.median;
  const cpu = (id: string, service: string) => row(id)?.kept?.cpuUs[service]?.median;
  const both = (id: string) => {
    const [api, redis] = [cpu(id, 'api'), cpu(id, 'redis')];
    return api === undefined || redis === undefined ? undefined : api + redis;
  };
  const { writing, threeReplicasPerSecond, peaks, bytesPerCoupon, telemetry } = specials;
  const burstMs = (id: string) => row(id)?.burst?.lastAnswerMs.median;
  const burst = row('issue')?.burst;
  return [
    atMost(
      '1',
      'API CPU per issued coupon ÷ bare node:http echo',
      per(cpu('issue', 'api'), cpu('node-echo', 'node')),
      1.4,
    ),
    atLeast(
      '2',
      "one replica's issues/s ÷ stock Express hello",
      per(rate('issue'), rate('express-hello')),
      2.2,
    ),
    atLeast(
      '3a',
      "one replica's issues/s, worker writing ÷ EVALSHA + insert",
      per(rate('issue-draining'), rate('evalsha-insert')),
      6,
    ),
    atLeast(
      '3b',
      "one replica's issues/s, worker writing ÷ SELECT … FOR UPDATE",
      per(rate('issue-draining'), rate('select-for-update')),
      15,
    ),
    atMost(
      '4',
      'Redis CPU per issued coupon ÷ one EVALSHA per request',
      per(cpu('issue', 'redis'), cpu('evalsha-queue', 'redis')),
      0.1,
    ),
    atLeast(
      '5',
      'throughput with appendfsync always ÷ without AOF',
      per(rate('issue'), rate('issue-no-aof')),
      0.9,
    ),
    atLeast(
      '6a',
      'worker rows/s ÷ one row per transaction',
      per(writing?.worker.rowsPerSecond, writing?.create.rowsPerSecond),
      50,
    ),
    atLeast(
      '6b',
      'worker rows/s ÷ Prisma createMany of 1,000',
      per(writing?.worker.rowsPerSecond, writing?.createMany.rowsPerSecond),
      6,
    ),
    atLeast(
      '6c',
      'worker rows/s ÷ issues/s of three replicas',
      per(writing?.worker.rowsPerSecond, threeReplicasPerSecond),
      1,
    ),
    atMost('7', "logging's and metrics' share of the API's CPU", telemetry, 0.1),
    atMost(
      '8a',
      'peak through nginx: first request to last answer ÷ nginx return 200',
      per(peaks?.system.makespanMs, peaks?.floor.makespanMs),
      1.2,
    ),
    atMost(
      '8b',
      'peak through nginx: p95 latency ÷ nginx return 200',
      per(peaks?.system.p95Ms, peaks?.floor.p95Ms),
      1.6,
    ),
    atMost(
      '9a',
      'CPU per issue (API + Redis) with 1,000,000 issued ÷ with 10,000',
      per(both('issue-1m'), both('issue-10k')),
      1.1,
    ),
    atMost(
      '9b',
      'CPU per issue (API + Redis) with 1,000 campaigns ÷ with one',
      per(both('issue-1000-campaigns'), both('issue')),
      1.1,
    ),
    atMost('10', 'bytes of Redis per issued coupon after draining', bytesPerCoupon, 120),
    atMost(
      '11',
      'CPU of a sold-out or already-issued answer ÷ of an issue',
      largest(per(both('sold-out'), both('issue')), per(both('already-issued'), both('issue'))),
      1,
    ),
    atMost(
      '12',
      'nginx CPU per proxied request ÷ nginx → bare node:http',
      per(cpu('system', 'nginx'), cpu('nginx-node-echo', 'nginx')),
      1.1,
    ),
    atMost(
      '13a',
      'burst of 10,000 fresh connections: last answer ÷ bare node:http echo',
      per(burstMs('issue'), burstMs('node-echo')),
      1.4,
    ),
    atLeast(
      '13b',
      'burst of 10,000 fresh connections: issued ÷ asked',
      per(burst?.answered, burst?.asked),
      1,
    ),
  ];
}
