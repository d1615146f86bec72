import { openFileLimit } from '../common/open-file-limit.js';
import { openStack } from '../stack/open-stack.js';
import type { Stack } from '../stack/types.js';
import { AdminClient, waitUntilDrained } from './admin-client.js';
import { audit, isClean } from './audit.js';
import type { CliOptions } from './cli-options.js';
import { readClientLog } from './client-log.js';
import { auditFaults, describeAudit, describeRun } from './describe-run.js';
import { readFacts } from './facts.js';
import { provideK6 } from './k6-binary.js';
import type { RunResult } from './result.js';
import { runScenario } from './run-scenario.js';
import { plan, type ScenarioName } from './scenarios.js';
import { WARM_UP_USERS, warmUp } from './warm-up.js';
import { withStack } from './with-stack.js';

export interface Context {
  options: CliOptions;
  signal: AbortSignal;
  /** One line for people. */
  say: (line: string) => void;
}

/** Each command resolves with whether all was well, and has told people what was not. */
export async function runScenarioCommand(context: Context, scenario: ScenarioName): Promise<boolean> {
  const { options, say, signal } = context;
  const planned = plan(scenario, options.sizes, openFileLimit());
  const k6 = await provideK6({ onProgress: say, signal });
  const stack = await open(context);
  const warmUpUsers = options.warmUp ?? WARM_UP_USERS;
  const result = await withStack(stack, stackOptions(context), async (replicas) => {
    const run = { stack, replicas, k6, onProgress: say, signal, allowRemote: options.allowRemote };
    await warmUp({ ...run, usersPerReplica: warmUpUsers });
    return await runScenario({ ...run, plan: planned, warmUpUsers });
  });
  return tell(context, result);
}

function tell({ say }: Context, result: RunResult): boolean {
  say(`\n${describeRun(result)}\n\n  results in loadtest/results/${result.testid}/`);
  for (const fault of result.faults) say(`  ✗ ${fault}`);
  say(result.faults.length === 0 ? '  ✓ every answer as expected, audit clean\n' : '  ✗ something is off\n');
  return result.faults.length === 0;
}

const open = ({ options, say }: Context): Promise<Stack> =>
  openStack({ onProgress: say, ...(options.mode ? { mode: options.mode } : {}) });

const stackOptions = ({ options, say, signal }: Context) => ({
  onProgress: say,
  signal,
  ...(options.api === undefined ? {} : { api: options.api }),
});

const STANDALONE_DRAIN_MS = 30_000;

/** Needs a stack that is up: starting one would not bring back what an audit could still see. */
export async function auditCommand(context: Context): Promise<boolean> {
  const { options, say, signal } = context;
  const couponId = options.coupon!;
  const stack = await open(context);
  if (!(await stack.isUp())) throw new Error('the stack is not up: make up, then audit');
  const admin = new AdminClient(stack);
  if (!(await waitUntilDrained(() => admin.statistics(couponId), STANDALONE_DRAIN_MS, signal))) {
    say(`Coupon ${couponId} is still being written to MySQL after ${STANDALONE_DRAIN_MS / 1_000} s`);
  }
  const attempts = options.clientLog === undefined ? null : await readClientLog(options.clientLog);
  const result = audit({
    facts: await readFacts(stack, couponId),
    attempts,
    stockRaised: options.stockRaised,
  });
  const compared = attempts === null ? 'Redis and MySQL' : 'what clients were told, Redis and MySQL';
  say(`Coupon ${couponId}, ${compared}:\n${describeAudit(result)}`);
  for (const sentence of result.details.unknownResolved ?? []) say(`  · ${sentence}`);
  for (const fault of auditFaults(result)) say(`  ✗ ${fault}`);
  return isClean(result);
}
