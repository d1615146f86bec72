import { join, relative } from 'node:path';
import { abortOnSignals, say } from '../../common/command-line.js';
import { writeJson } from '../../common/json-file.js';
import { projectRoot, resultsFolder } from '../../common/paths.js';
import { openStack } from '../../stack/open-stack.js';
import { buildBurstClient } from '../burst.js';
import { withStack } from '../with-stack.js';
import { describeOverload } from './describe.js';
import { INSTANCE, runOverload } from './run-overload.js';

/** Of ISSUE_RUSH_MAX, when nobody says otherwise. */
const RUSH_MAX = 10_000;

/** A tenth of a CPU takes ten times as long for a rush: its allowance is a tenth, so that the queue is no longer. */
const rushMaxOf = (apiCpus: number): number =>
  Math.round(RUSH_MAX * (apiCpus === 0 ? 1 : Math.min(1, apiCpus)));

/** @returns whether every goal was reached; people have been told which was not */
export async function overload({
  apiCpus,
  api: replicas,
}: {
  apiCpus: number;
  api: number;
}): Promise<boolean> {
  const built = await buildBurstClient();
  if ('missing' in built) {
    say(`make overload needs its load generator: ${built.missing}`);
    return false;
  }
  const signal = abortOnSignals(() => 'the stack goes down');
  const env = { NGINX_ISSUE_LIMIT: 'off', API_CPUS: '0', ISSUE_RUSH_MAX: String(rushMaxOf(apiCpus)) };
  const stack = await openStack({ mode: 'native', name: INSTANCE, env, onProgress: say });
  // Half a million coupons of each run would stay in Redis for a week: the next ones would not fit.
  await stack.destroy();
  const result = await withStack(stack, { api: replicas, onProgress: say, signal }, () =>
    runOverload({ stack, replicas, generator: built.program, apiCpus, say, signal }),
  );
  const file = join(resultsFolder('loadtest'), 'overload.json');
  writeJson(file, result);
  say(`\n${describeOverload(result)}\n\n  ${relative(projectRoot, file)}`);
  for (const fault of result.faults) say(`  ✗ ${fault}`);
  say(result.faults.length === 0 ? '  ✓ every goal reached, audit clean\n' : '  ✗ something is off\n');
  return result.faults.length === 0;
}
