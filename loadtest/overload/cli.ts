import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBurstClient } from '../../bench/load/burst.js';
import { openStack } from '../../stack/index.js';
import { abortOnSignals, explain, INTERRUPTED, say } from '../command-line.js';
import { projectRoot } from '../project-root.js';
import { withStack } from '../with-stack.js';
import { describeOverload } from './describe.js';
import { INSTANCE, runOverload } from './run-overload.js';

/** Of ISSUE_RUSH_MAX, when nobody says otherwise. */
const RUSH_MAX = 10_000;

const USAGE = `Usage: node dist/loadtest/overload/cli.js [--api-cpus 0.06] [--api 2]

Offers 0.5, 1, 2, 5 and 10 times the measured capacity, then 0.5 times again, to a native stack of its own; then the audit.
  --api-cpus N   CPUs of each replica (0.06), so that generator and nginx have room at ten times; 0: no cap
  --api N        replicas (2)`;

/** A tenth of a CPU takes ten times as long for a rush: its allowance is a tenth, so that the queue is no longer. */
const rushMaxOf = (apiCpus: number): number =>
  Math.round(RUSH_MAX * (apiCpus === 0 ? 1 : Math.min(1, apiCpus)));

/** Exit status: 0 all goals reached, 1 one is missed, 2 the command is wrong. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'api-cpus': { type: 'string' }, api: { type: 'string' } } });
  const [apiCpus, replicas] = [Number(values['api-cpus'] ?? 0.06), Number(values.api ?? 2)];
  if (!(apiCpus >= 0 && apiCpus <= 8) || !(Number.isInteger(replicas) && replicas >= 1)) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const built = await buildBurstClient();
  if ('missing' in built) {
    say(`make overload needs its load generator: ${built.missing}`);
    return 1;
  }
  const signal = abortOnSignals(() => 'the stack goes down');
  try {
    const env = { NGINX_ISSUE_LIMIT: 'off', API_CPUS: '0', ISSUE_RUSH_MAX: String(rushMaxOf(apiCpus)) };
    const stack = await openStack({ mode: 'native', name: INSTANCE, env, onProgress: say });
    const root = projectRoot();
    const result = await withStack(stack, { api: replicas, onProgress: say, signal }, () =>
      runOverload({ stack, replicas, generator: built.program, apiCpus, root, say, signal }),
    );
    await mkdir(join(root, 'loadtest', 'results'), { recursive: true });
    const file = join('loadtest', 'results', 'overload.json');
    await writeFile(join(root, file), `${JSON.stringify(result, null, 2)}\n`);
    say(`\n${describeOverload(result)}\n\n  ${file}`);
    for (const fault of result.faults) say(`  ✗ ${fault}`);
    say(result.faults.length === 0 ? '  ✓ every goal reached, audit clean\n' : '  ✗ something is off\n');
    return result.faults.length === 0 ? 0 : 1;
  } catch (err) {
    if (signal.aborted) return INTERRUPTED;
    process.stderr.write(`✗ ${explain(err)}\n`);
    return 1;
  }
}

process.exitCode = await main();
