import { join } from 'node:path';
import { say } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { withOwnStack } from './own-stack.js';
import { runCampaigns } from './campaigns/run-campaigns.js';

export interface CampaignsOptions {
  readonly campaigns: number;
  readonly coupons: number;
  /** Ms after which a campaign that is over leaves Redis. */
  readonly archiveAfter: number;
}

/** Campaigns one after the other on a native stack of its own. @returns whether memory stayed flat */
export async function runCampaignsCommand(options: CampaignsOptions): Promise<boolean> {
  const { campaigns, coupons, archiveAfter: archiveAfterMs } = options;
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
    return result.faults.length === 0;
  });
}
