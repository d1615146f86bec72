import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allowClosedOutput } from '../stack/closed-output.js';
import { openStack } from '../stack/index.js';
import { projectRoot } from '../stack/paths.js';
import { Random } from './random.js';
import { runSoak } from './soak/run-soak.js';

allowClosedOutput('goOn');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** SOAK_MINUTES=15 SOAK_SEED=N node dist/faults/soak.js: ordinary traffic for a while, on a native stack of its own. */
async function main(): Promise<number> {
  const minutes = Number(process.env['SOAK_MINUTES'] ?? 15);
  const seed = Number(process.env['SOAK_SEED'] ?? randomInt(2 ** 31 - 1));
  if (!(minutes > 0 && minutes <= 600) || !Number.isInteger(seed)) {
    process.stderr.write('SOAK_MINUTES is a number up to 600, SOAK_SEED a whole number\n');
    return 2;
  }
  print(`soak: ${minutes} min, seed ${seed}`);
  const env = { NGINX_ISSUE_LIMIT: 'off' };
  const stack = await openStack({
    mode: 'native',
    name: 'soak',
    env,
    onProgress: (line) => print(`    ${line}`),
  });
  try {
    await stack.up({ api: 2 });
    const result = await runSoak({
      stack,
      random: new Random(seed),
      minutes,
      print: (line) => print(`    ${line}`),
    });
    const folder = join(projectRoot, 'faults', 'results');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'soak.json'), `${JSON.stringify({ seed, ...result }, null, 2)}\n`);
    for (const [kind, count] of Object.entries(result.statuses).sort()) print(`${kind.padEnd(22)} ${count}`);
    for (const [name, { perMinute, first, last, flat }] of Object.entries(result.slopes)) {
      const verdict = result.judged ? (flat ? 'flat' : 'NOT FLAT') : 'too short to judge';
      print(`${name.padEnd(22)} ${first} → ${last}, slope ${perMinute.toFixed(3)} a minute: ${verdict}`);
    }
    print(
      `${result.calls} calls, ${result.coupons} coupons of ${result.campaigns} campaigns, ${result.redisBytesPerCoupon} bytes of Redis a coupon`,
    );
    for (const fault of result.faults) print(fault);
    print(`Tests: ${result.faults.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'} (soak)`);
    return result.faults.length === 0 ? 0 : 1;
  } finally {
    await stack.down();
  }
}

process.exitCode = await main();
