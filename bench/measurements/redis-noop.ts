import { cpuPerRequest, readCpu } from '../../common/cpu-time.js';
import { run } from '../../common/run-command.js';
import { findProgram } from '../../stack/native/programs.js';
import type { Replica } from '../system/replica.js';

const CALLS = 200_000;

export type RedisNoop = Awaited<ReturnType<typeof measureRedisNoop>>;

/** Baseline of one EVALSHA per request: a script that does nothing, 256 connections, no pipelining. */
export async function measureRedisNoop(replica: Replica) {
  const program = findProgram('redis-benchmark');
  if (!program) return undefined;
  const { redis, redisServer, redisPassword } = replica;
  const sha = (await redis.script('LOAD', 'return 0')) as string;
  const processes = { redis: [redisServer.pid!] };
  const server = ['-p', String(redisServer.port), '-a', redisPassword];
  const before = readCpu(processes);
  const begun = performance.now();
  await run(program, [...server, '-c', '256', '-n', String(CALLS), '-q', 'EVALSHA', sha, '0']);
  const seconds = (performance.now() - begun) / 1000;
  const cpu = cpuPerRequest(before, readCpu(processes), CALLS);
  return { callsPerSecond: CALLS / seconds, cpuUs: cpu['redis']! };
}
