import { run } from '../common/run-command.js';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '../common/paths.js';
import { findProgram } from '../stack/native/programs.js';

export interface BurstResult {
  /** By HTTP status, or by what went wrong. */
  readonly codes: Readonly<Record<string, number>>;
  readonly sentMs: number;
  readonly lastAnswerMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Path of the burst client, built where Go is there; otherwise the reason why there is none. */
export async function buildBurstClient(): Promise<{ program: string } | { missing: string }> {
  const program = join(projectRoot, '.tools', 'burst');
  const go = findProgram('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined);
  if (!go) {
    if (existsSync(program)) return { program };
    return {
      missing: 'Go is not installed (1.21 or later): loadtest/burst cannot be built, bursts are left out',
    };
  }
  mkdirSync(dirname(program), { recursive: true });
  try {
    await run(go, ['build', '-o', program, '.'], { cwd: join(projectRoot, 'loadtest', 'burst') });
    return { program };
  } catch (error) {
    return {
      missing: `loadtest/burst cannot be built: ${String((error as { stderr?: string }).stderr ?? error)}`,
    };
  }
}

/** Opens `connections` fresh connections with one issue call each; reads no answer before all are sent. */
export async function runBurst(
  program: string,
  url: string,
  asked: { firstUser: number; firstCoupon: number },
  connections: number,
): Promise<BurstResult> {
  const { host } = new URL(url);
  const args = [
    ...['-address', host, '-n', String(connections), '-first-user', String(asked.firstUser)],
    ...['-path', `/api/v1/coupons/call/${asked.firstCoupon}`, '-tag', randomBytes(8).toString('hex')],
  ];
  const { stdout } = await run(program, args);
  return JSON.parse(stdout) as BurstResult;
}
