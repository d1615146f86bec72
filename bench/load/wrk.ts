import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { run } from '../../common/run-command.js';

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
  readonly latencyMs: Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>>;
}

interface Shape {
  readonly connections: number;
  readonly seconds: number;
}

/** One request in flight on each kept connection. One thread: the servers need the rest. */
export async function runWrk(
  script: 'wrk-issue' | 'wrk-my-coupons',
  url: string,
  settings: Readonly<Record<string, string | number>>,
  { connections, seconds }: Shape,
): Promise<WrkResult> {
  const file = join(projectRoot, 'bench', 'load', `${script}.lua`);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '-s', file, url];
  const given = Object.entries(settings).map(([name, value]) => [name, String(value)]);
  const { stdout } = await run('wrk', args, {
    // Where the scripts find report.lua.
    cwd: join(projectRoot, 'bench', 'load'),
    env: { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(given) },
  });
  const line = /^JSON (.*)$/m.exec(stdout)?.[1];
  if (!line) throw new Error(`wrk reported nothing: ${stdout}`);
  return JSON.parse(line) as WrkResult;
}

export const issueWithWrk = (url: string, asked: Asked, shape: Shape): Promise<WrkResult> =>
  runWrk(
    'wrk-issue',
    url,
    {
      BENCH_FIRST_USER: asked.firstUser,
      BENCH_USERS: asked.users,
      BENCH_FIRST_COUPON: asked.firstCoupon,
      BENCH_COUPONS: asked.coupons,
      BENCH_RUN_TAG: randomBytes(8).toString('hex'),
    },
    shape,
  );
