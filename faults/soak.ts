import { join } from 'node:path';
import { say } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { withOwnStack } from './own-stack.js';
import { Random } from '../common/random.js';
import { runSoak } from './soak/run-soak.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Campaigns that are over leave Redis after so many ms: flat is what is expected of its memory too. */
  readonly archiveAfter: number;
}

/** Ordinary traffic for a while, on a native stack of its own. @returns whether everything stayed flat */
export async function soak({ minutes, seed, archiveAfter }: SoakOptions): Promise<boolean> {
  say(`soak: ${minutes} min, seed ${seed}`);
  const env = { NGINX_ISSUE_LIMIT: 'off', ARCHIVE_AFTER_MS: String(archiveAfter) };
  return withOwnStack('soak', env, async (stack) => {
    const result = await runSoak({
      stack,
      random: new Random(seed),
      minutes,
      print: (line) => say(`    ${line}`),
    });
    writeJson(join(resultsFolder('faults'), 'soak.json'), { seed, ...result });
    for (const [kind, count] of Object.entries(result.statuses).sort()) say(`${kind.padEnd(22)} ${count}`);
    for (const [name, { perMinute, first, last, flat }] of Object.entries(result.slopes)) {
      const verdict = result.judged ? (flat ? 'flat' : 'NOT FLAT') : 'too short to judge';
      say(`${name.padEnd(22)} ${first} → ${last}, slope ${perMinute.toFixed(3)} a minute: ${verdict}`);
    }
    say(
      `${result.calls} calls, ${result.coupons} coupons of ${result.campaigns} campaigns, ${result.redisBytesPerCoupon} bytes of Redis a coupon`,
    );
    for (const fault of result.faults) say(fault);
    say(`Tests: ${result.faults.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'} (soak)`);
    return result.faults.length === 0;
  });
}
