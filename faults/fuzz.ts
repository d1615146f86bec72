import { join } from 'node:path';
import { say } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { resultsFolder } from '../common/paths.js';
import { runFuzz } from './fuzz/run-fuzz.js';
import { withOwnStack } from './own-stack.js';
import { Random } from '../common/random.js';

/** Hostile input against a native stack of its own. @returns whether it did no harm */
export async function fuzz({ requests, seed }: { requests: number; seed: number }): Promise<boolean> {
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
    return result.faults.length === 0;
  });
}
