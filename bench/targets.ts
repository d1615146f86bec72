import type { SubjectResult } from './measure.js';
import type { Measurements } from './results.js';

export interface Target {
  readonly id: string;
  readonly what: string;
  /** Null: not measured in this run. */
  readonly ratio: number | null;
  /** Such as `≤ 1.4`. */
  readonly target: string;
  readonly met: boolean | null;
}

/** The targets of the project, each a ratio of two things measured in the same run: id, `most` or `least`, limit, what. */
const TARGETS = [
  ['1', 'most', 1.4, 'API CPU per issued coupon ÷ bare node:http echo'],
  ['2', 'least', 2.2, "one replica's issues/s ÷ stock Express hello"],
  ['3a', 'least', 6, "one replica's issues/s, worker writing ÷ EVALSHA + insert"],
  ['3b', 'least', 15, "one replica's issues/s, worker writing ÷ SELECT … FOR UPDATE"],
  ['4', 'most', 0.1, 'Redis CPU per issued coupon ÷ one EVALSHA per request'],
  ['5', 'least', 0.9, 'throughput with appendfsync always ÷ without AOF'],
  ['6a', 'least', 50, 'worker rows/s ÷ one row per transaction'],
  ['6b', 'least', 6, 'worker rows/s ÷ Prisma createMany of 1,000'],
  ['6c', 'least', 1, 'worker rows/s ÷ issues/s of three replicas'],
  ['7', 'most', 0.1, "logging's and metrics' share of the API's CPU"],
  ['8a', 'most', 1.2, 'peak through nginx: first request to last answer ÷ nginx return 200'],
  ['8b', 'most', 1.6, 'peak through nginx: p95 latency ÷ nginx return 200'],
  ['9a', 'most', 1.1, 'CPU per issue (API + Redis) with 1,000,000 issued ÷ with 10,000'],
  ['9b', 'most', 1.1, 'CPU per issue (API + Redis) with 1,000 campaigns ÷ with one'],
  ['10', 'most', 120, 'bytes of Redis per issued coupon after draining'],
  ['11', 'most', 1, 'CPU of a sold-out or already-issued answer ÷ of an issue'],
  ['12', 'most', 1.1, 'nginx CPU per proxied request ÷ nginx → bare node:http'],
  ['13a', 'most', 1.4, 'burst of 10,000 fresh connections: last answer ÷ bare node:http echo'],
  ['13b', 'least', 1, 'burst of 10,000 fresh connections: issued ÷ asked'],
  ['14a', 'most', 1.15, 'first burst on a fresh replica ÷ sixth: last answer'],
  ['14b', 'most', 1.15, 'first burst on a fresh replica ÷ sixth: API CPU per issue'],
] as const;

type Ratios = Readonly<Record<(typeof TARGETS)[number][0], number>>;

/** NaN where one side was not measured. */
function computeRatios(subjects: readonly SubjectResult[], measurements: Measurements): Ratios {
  const find = (id: string) => subjects.find((subject) => subject.id === id);
  const rate = (id: string) => find(id)?.kept?.requestsPerSecond.median ?? NaN;
  const cpu = (id: string, service: string) => find(id)?.kept?.cpuUs[service]?.median ?? NaN;
  const both = (id: string) => cpu(id, 'api') + cpu(id, 'redis');
  const lastAnswer = (id: string) => find(id)?.burst?.lastAnswerMs.median ?? NaN;
  const {
    writing,
    threeReplicasPerSecond = NaN,
    peaks,
    bytesPerCoupon = NaN,
    telemetry = NaN,
    firstBurst,
  } = measurements;
  const written = (way: 'create' | 'createMany' | 'worker') => writing?.[way].rowsPerSecond ?? NaN;
  const peak = (which: 'system' | 'baseline', figure: 'makespanMs' | 'p95Ms') =>
    peaks?.[which][figure] ?? NaN;
  const burst = find('issue')?.burst;
  return {
    '1': cpu('issue', 'api') / cpu('node-echo', 'node'),
    '2': rate('issue') / rate('express-hello'),
    '3a': rate('issue-draining') / rate('evalsha-insert'),
    '3b': rate('issue-draining') / rate('select-for-update'),
    '4': cpu('issue', 'redis') / cpu('evalsha-queue', 'redis'),
    '5': rate('issue') / rate('issue-no-aof'),
    '6a': written('worker') / written('create'),
    '6b': written('worker') / written('createMany'),
    '6c': written('worker') / threeReplicasPerSecond,
    '7': telemetry,
    '8a': peak('system', 'makespanMs') / peak('baseline', 'makespanMs'),
    '8b': peak('system', 'p95Ms') / peak('baseline', 'p95Ms'),
    '9a': both('issue-1m') / both('issue-10k'),
    '9b': both('issue-1000-campaigns') / both('issue'),
    '10': bytesPerCoupon,
    '11': Math.max(both('sold-out'), both('already-issued')) / both('issue'),
    '12': cpu('system', 'nginx') / cpu('nginx-node-echo', 'nginx'),
    '13a': lastAnswer('issue') / lastAnswer('node-echo'),
    '13b': burst ? burst.answered / burst.asked : NaN,
    '14a': firstBurst?.warm.lastAnswer ?? NaN,
    '14b': firstBurst?.warm.apiCpu ?? NaN,
  };
}

export function checkTargets(subjects: readonly SubjectResult[], measurements: Measurements): Target[] {
  const ratios = computeRatios(subjects, measurements);
  return TARGETS.map(([id, side, limit, what]) => {
    const target = `${side === 'most' ? '≤' : '≥'} ${limit}`;
    const ratio = ratios[id];
    if (!Number.isFinite(ratio)) return { id, what, ratio: null, target, met: null };
    return { id, what, ratio, target, met: side === 'most' ? ratio <= limit : ratio >= limit };
  });
}
