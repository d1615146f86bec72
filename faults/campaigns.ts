import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allowClosedOutput } from '../stack/closed-output.js';
import { openStack } from '../stack/index.js';
import { projectRoot } from '../stack/paths.js';
import { runCampaigns } from './campaigns/run-campaigns.js';

allowClosedOutput('goOn');
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const wholeNumber = (name: string, otherwise: number): number => Number(process.env[name] || otherwise);

/**
 * CAMPAIGNS=2000 COUPONS=1000 node dist/faults/campaigns.js: campaigns one after the other on a native stack of its own, in
 * flat memory, because those that are over leave Redis after ARCHIVE_AFTER_MS.
 */
async function main(): Promise<number> {
  const [campaigns, coupons] = [wholeNumber('CAMPAIGNS', 2_000), wholeNumber('COUPONS', 1_000)];
  if (![campaigns, coupons].every((value) => Number.isInteger(value) && value >= 20 && value <= 100_000)) {
    process.stderr.write('CAMPAIGNS and COUPONS are whole numbers from 20 to 100,000\n');
    return 2;
  }
  const archiveAfterMs = wholeNumber('ARCHIVE_AFTER_MS', 2_000);
  print(
    `${campaigns} campaigns of ${coupons} coupons, archived ${archiveAfterMs} ms after they are sold out`,
  );
  const env = { NGINX_ISSUE_LIMIT: 'off', ARCHIVE_AFTER_MS: String(archiveAfterMs) };
  const stack = await openStack({
    mode: 'native',
    name: 'campaigns',
    env,
    onProgress: (line) => print(`    ${line}`),
  });
  try {
    await stack.up({ api: 2 });
    const result = await runCampaigns({ stack, campaigns, coupons, print: (line) => print(`    ${line}`) });
    const folder = join(projectRoot, 'faults', 'results');
    await mkdir(folder, { recursive: true });
    const whole = { archiveAfterMs, flat: result.faults.length === 0, ...result };
    await writeFile(join(folder, 'campaigns.json'), `${JSON.stringify(whole, null, 2)}\n`);
    for (const [name, { perMinute, first, last, flat }] of Object.entries(result.slopes))
      print(
        `${name.padEnd(22)} ${first} → ${last}, slope ${perMinute.toFixed(3)} a minute: ${flat ? 'flat' : 'NOT FLAT'}`,
      );
    print(
      `${result.told} coupons in ${result.minutes.toFixed(1)} min (${result.couponsPerSecond}/s), ${result.rows} rows, ` +
        `${result.replayed} old winners replayed; at the end ${JSON.stringify(result.end)}`,
    );
    for (const fault of result.faults) print(fault);
    return result.faults.length === 0 ? 0 : 1;
  } finally {
    await stack.down();
  }
}

process.exitCode = await main();
