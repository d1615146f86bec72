import { run } from '../../common/run-command.js';
import { cpuPerRequest, readCpu } from '../../common/cpu-time.js';
import { findProgram } from '../../stack/native/programs.js';
import { type Replica, pidOf } from '../lineup.js';

const CALLS = 200_000;

export interface RedisNoop {
  readonly callsPerSecond: number;
  /** µs of CPU of Redis a call. */
  readonly cpuUs: number;
}

/** Floor of one EVALSHA per request: a script that does nothing, 256 connections, no pipelining. */
export async function measureRedisNoop(replica: Replica): Promise<RedisNoop | undefined> {
  const program = findProgram('redis-benchmark');
  if (!program) return undefined;
  const sha = (await replica.redis.script('LOAD', 'return 0')) as string;
  const processes = { redis: [pidOf(replica.redisService)] };
  const before = readCpu(processes);
  const begun = performance.now();
  await run(program, [
    '-a',
    replica.redisPassword,
    ...['-p', String(replica.redisService.port)],
    '-c',
    '256',
    '-n',
    String(CALLS),
    '-q',
    'EVALSHA',
    sha,
    '0',
  ]);
  const seconds = (performance.now() - begun) / 1000;
  const { redis } = cpuPerRequest(before, readCpu(processes), CALLS);
  return { callsPerSecond: CALLS / seconds, cpuUs: redis! };
}
