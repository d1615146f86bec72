import { abortOnSignals, say } from '../common/command-line.js';
import { openFileLimit } from '../common/open-file-limit.js';
import { openStack } from '../stack/open-stack.js';
import type { StackMode } from '../stack/types.js';
import { AdminClient, waitUntilDrained } from './admin-client.js';
import { audit, isClean } from './audit.js';
import { readClientLog } from './client-log.js';
import { auditFaults, describeAudit, describeRun } from './describe-run.js';
import { readFacts } from './facts.js';
import { provideK6 } from './k6-binary.js';
import { runScenario } from './run-scenario.js';
import { plan, type ScenarioName, type Sizes } from './scenarios.js';
import { warmUp } from './warm-up.js';
import { withStack } from './with-stack.js';

const open = (mode: StackMode | undefined) => openStack({ onProgress: say, ...(mode && { mode }) });

export interface RunOptions {
  readonly sizes: Sizes;
  readonly api?: number | undefined;
  readonly mode?: StackMode | undefined;
  /** Users for each replica before the run. */
  readonly warmUp: number;
  readonly allowRemote: boolean;
}

/** @returns whether all was well; people have been told what was not */
export async function runScenarioCommand(
  scenario: ScenarioName,
  { sizes, api, mode, warmUp: warmUpUsers, allowRemote }: RunOptions,
): Promise<boolean> {
  const signal = abortOnSignals(() => 'everything goes back to what it was');
  const planned = plan(scenario, sizes, openFileLimit());
  const tools = { onProgress: say, signal };
  const k6 = await provideK6(tools);
  const stack = await open(mode);
  const result = await withStack(stack, { ...tools, ...(api && { api }) }, async (replicas) => {
    const run = { stack, replicas, k6, allowRemote, ...tools };
    await warmUp({ ...run, usersPerReplica: warmUpUsers });
    return await runScenario({ ...run, plan: planned, warmUpUsers });
  });
  say(`\n${describeRun(result)}\n\n  results in loadtest/results/${result.testid}/`);
  for (const fault of result.faults) say(`  ✗ ${fault}`);
  say(result.faults.length === 0 ? '  ✓ every answer as expected, audit clean\n' : '  ✗ something is off\n');
  return result.faults.length === 0;
}

const STANDALONE_DRAIN_MS = 30_000;

export interface AuditOptions {
  readonly coupon: number;
  readonly mode?: StackMode;
  /** `client.log` of a run; absent: Redis and MySQL alone are compared. */
  readonly clientLog?: string;
  readonly stockRaised: boolean;
}

/** Needs a stack that is up: starting one would not bring back what an audit could still see. */
export async function auditCommand({ coupon: couponId, mode, clientLog, stockRaised }: AuditOptions) {
  const signal = abortOnSignals(() => 'nothing was changed');
  const stack = await open(mode);
  if (!(await stack.isUp())) throw new Error('the stack is not up: make up, then audit');
  const admin = new AdminClient(stack);
  if (!(await waitUntilDrained(() => admin.statistics(couponId), STANDALONE_DRAIN_MS, signal))) {
    say(`Coupon ${couponId} is still being written to MySQL after ${STANDALONE_DRAIN_MS / 1_000} s`);
  }
  const attempts = clientLog === undefined ? null : await readClientLog(clientLog);
  const result = audit({ facts: await readFacts(stack, couponId), attempts, stockRaised });
  const compared = attempts === null ? 'Redis and MySQL' : 'what clients were told, Redis and MySQL';
  say(`Coupon ${couponId}, ${compared}:\n${describeAudit(result)}`);
  for (const sentence of result.details.unknownResolved ?? []) say(`  · ${sentence}`);
  for (const fault of auditFaults(result)) say(`  ✗ ${fault}`);
  return isClean(result);
}
