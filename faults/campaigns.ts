import { join } from 'node:path';
import { allowClosedOutput, runMain, say, readNumber } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { withOwnStack } from './own-stack.js';
import { runCampaigns } from './campaigns/run-campaigns.js';

allowClosedOutput('goOn');

/**
 * CAMPAIGNS=2000 COUPONS=1000 node dist/faults/campaigns.js: campaigns one after the other on a native stack of its own, in
 * flat memory, because those that are over leave Redis after ARCHIVE_AFTER_MS.
 */
async function main(): Promise<number> {
  const read = (name: string, range: { least: number; most?: number }) =>
    readNumber(name, process.env[name], range);
  const campaigns = read('CAMPAIGNS', { least: 20, most: 100_000 }) ?? 2_000;
  const coupons = read('COUPONS', { least: 20, most: 100_000 }) ?? 1_000;
  const archiveAfterMs = read('ARCHIVE_AFTER_MS', { least: 0 }) ?? 2_000;
  say(`${campaigns} campaigns of ${coupons} coupons, archived ${archiveAfterMs} ms after they are sold out`);
  const env = { NGINX_ISSUE_LIMIT: 'off', ARCHIVE_AFTER_MS: String(archiveAfterMs) };
  return withOwnStack('campaigns', env, async (stack) => {
    const result = await runCampaigns({ stack, campaigns, coupons, print: (line) => say(`    ${line}`) });
    const whole = { archiveAfterMs, flat: result.faults.length === 0, ...result };
    writeJson(join(resultsFolder('faults'), 'campaigns.json'), whole);
    for (const [name, { perMinute, first, last, flat }] of Object.entries(result.slopes))
      say(
        `${name.padEnd(22)} ${first} → ${last}, slope ${perMinute.toFixed(3)} a minute: ${flat ? 'flat' : 'NOT FLAT'}`,
      );
    say(
      `${result.told} coupons in ${result.minutes.toFixed(1)} min (${result.couponsPerSecond}/s), ${result.rows} rows, ` +
        `${result.replayed} old winners replayed; at the end ${JSON.stringify(result.end)}`,
    );
    for (const fault of result.faults) say(fault);
    return result.faults.length === 0 ? 0 : 1;
  });
}

await runMain(main);
