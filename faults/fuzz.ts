import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allowClosedOutput } from '../stack/closed-output.js';
import { openStack } from '../stack/index.js';
import { projectRoot } from '../stack/paths.js';
import { runFuzz } from './fuzz/run-fuzz.js';
import { Random } from './random.js';

const REQUESTS = 24_000;
allowClosedOutput('goOn');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** node dist/faults/fuzz.js [--requests 24000] [--seed N]: hostile input against a native stack of its own. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { requests: { type: 'string' }, seed: { type: 'string' } } });
  const requests = Number(values.requests ?? REQUESTS);
  const seed = Number(values.seed ?? randomInt(2 ** 31 - 1));
  if (!Number.isInteger(requests) || requests < 1 || !Number.isInteger(seed)) {
    process.stderr.write('--requests and --seed are whole numbers\n');
    return 2;
  }
  print(`fuzz: ${requests} requests, seed ${seed}`);
  const stack = await openStack({
    mode: 'native',
    name: 'fuzz',
    env: { NGINX_ISSUE_LIMIT: 'off' },
    onProgress: (line) => print(`    ${line}`),
  });
  try {
    await stack.up({ api: 2 });
    const result = await runFuzz({
      stack,
      random: new Random(seed),
      requests,
      print: (line) => print(`    ${line}`),
    });
    const folder = join(projectRoot, 'faults', 'results');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'fuzz.json'), `${JSON.stringify(result, null, 2)}\n`);
    for (const [door, counts] of Object.entries(result.answers)) {
      print(
        `${door}: ${Object.entries(counts)
          .map(([status, count]) => `${status}: ${count}`)
          .join(' ')}`,
      );
    }
    for (const was of result.before) {
      const is = result.after.find(({ pid }) => pid === was.pid);
      print(
        `${was.service}: ${was.rssMiB} → ${is?.rssMiB ?? '?'} MiB, ${was.sockets} → ${is?.sockets ?? '?'} sockets`,
      );
    }
    print(
      `clients that never finish were gone after ${(result.slowClientsClosedAfterMs / 1_000).toFixed(1)} s`,
    );
    for (const fault of result.faults) print(fault);
    print(`Tests: ${result.faults.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'} (fuzz)`);
    return result.faults.length === 0 ? 0 : 1;
  } finally {
    await stack.down();
  }
}

process.exitCode = await main();
