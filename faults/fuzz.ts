import { join } from 'node:path';
import { allowClosedOutput, runMain, say, readArguments, readNumber } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { runFuzz } from './fuzz/run-fuzz.js';
import { withOwnStack } from './own-stack.js';
import { readSeed } from './options.js';
import { Random } from './random.js';

const REQUESTS = 24_000;
allowClosedOutput('goOn');

/** node dist/faults/fuzz.js [--requests 24000] [--seed N]: hostile input against a native stack of its own. */
async function main(): Promise<number> {
  const { values } = readArguments({ options: { requests: { type: 'string' }, seed: { type: 'string' } } });
  const requests = readNumber('--requests', values.requests) ?? REQUESTS;
  const seed = readSeed(values.seed);
  say(`fuzz: ${requests} requests, seed ${seed}`);
  return withOwnStack('fuzz', { NGINX_ISSUE_LIMIT: 'off' }, async (stack) => {
    const result = await runFuzz({
      stack,
      random: new Random(seed),
      requests,
      print: (line) => say(`    ${line}`),
    });
    writeJson(join(resultsFolder('faults'), 'fuzz.json'), result);
    for (const [door, counts] of Object.entries(result.answers)) {
      say(
        `${door}: ${Object.entries(counts)
          .map(([status, count]) => `${status}: ${count}`)
          .join(' ')}`,
      );
    }
    for (const was of result.before) {
      const is = result.after.find(({ pid }) => pid === was.pid);
      say(
        `${was.service}: ${was.rssMiB} → ${is?.rssMiB ?? '?'} MiB, ${was.sockets} → ${is?.sockets ?? '?'} sockets`,
      );
    }
    say(
      `clients that never finish were gone after ${(result.slowClientsClosedAfterMs / 1_000).toFixed(1)} s`,
    );
    for (const fault of result.faults) say(fault);
    say(`Tests: ${result.faults.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'} (fuzz)`);
    return result.faults.length === 0 ? 0 : 1;
  });
}

await runMain(main);
