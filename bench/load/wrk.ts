import { run } from '../../common/run-command.js';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';

/** Which users ask for which coupons. */
export interface Asked {
  readonly firstUser: number;
  /** After so many users the first one asks again. */
  readonly users: number;
  readonly firstCoupon: number;
  /** Coupons with consecutive ids, asked in turn. */
  readonly coupons: number;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  readonly not2xx: number;
  readonly socketErrors: number;
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
}

interface Reported {
  requests: number;
  durationUs: number;
  not2xx: number;
  socketErrors: number;
  p50Us: number;
  p95Us: number;
  p99Us: number;
  maxUs: number;
}

/** One request in flight on each of `connections` kept connections, for `seconds`. One thread: the servers need the rest. */
export async function runWrk(
  url: string,
  asked: Asked,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<WrkResult> {
  const script = join(projectRoot, 'bench', 'load', 'wrk-issue.lua');
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '-s', script, url];
  const env = {
    PATH: process.env['PATH'] ?? '',
    BENCH_FIRST_USER: String(asked.firstUser),
    BENCH_USERS: String(asked.users),
    BENCH_FIRST_COUPON: String(asked.firstCoupon),
    BENCH_COUPONS: String(asked.coupons),
    BENCH_RUN_TAG: randomBytes(8).toString('hex'),
  };
  const { stdout } = await run('wrk', args, { env });
  const line = /^JSON (.*)$/m.exec(stdout)?.[1];
  if (!line) throw new Error(`wrk reported nothing: ${stdout}`);
  const said = JSON.parse(line) as Reported;
  const ms = (us: number) => us / 1000;
  return {
    requests: said.requests,
    seconds: said.durationUs / 1e6,
    not2xx: said.not2xx,
    socketErrors: said.socketErrors,
    latencyMs: { p50: ms(said.p50Us), p95: ms(said.p95Us), p99: ms(said.p99Us), max: ms(said.maxUs) },
  };
}
