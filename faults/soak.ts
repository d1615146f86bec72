import { join } from 'node:path';
import { allowClosedOutput, runMain, say, readNumber } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { withOwnStack } from './own-stack.js';
import { readSeed } from './options.js';
import { Random } from './random.js';
import { runSoak } from './soak/run-soak.js';

allowClosedOutput('goOn');

/** SOAK_MINUTES=15 SOAK_SEED=N node dist/faults/soak.js: ordinary traffic for a while, on a native stack of its own. */
async function main(): Promise<number> {
  const { SOAK_MINUTES, SOAK_SEED } = process.env;
  const minutes = readNumber('SOAK_MINUTES', SOAK_MINUTES, { least: 0.01, most: 600, whole: false }) ?? 15;
  const seed = readSeed(SOAK_SEED);
  say(`soak: ${minutes} min, seed ${seed}`);
  // Campaigns that are over leave Redis soon: flat is what is expected of its memory too.
  const env = { NGINX_ISSUE_LIMIT: 'off', ARCHIVE_AFTER_MS: process.env['ARCHIVE_AFTER_MS'] ?? '5000' };
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
    return result.faults.length === 0 ? 0 : 1;
  });
}

await runMain(main);
