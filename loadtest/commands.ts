import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeJson } from '../common/json-file.js';
import { openFileLimit } from '../common/open-file-limit.js';
import { resultsFolder } from '../common/paths.js';
import { openStack } from '../stack/open-stack.js';
import type { Stack } from '../stack/types.js';
import { AdminClient, waitUntilDrained } from './admin-client.js';
import { audit, isClean } from './audit.js';
import type { CliOptions } from './cli-options.js';
import { readClientLog } from './client-log.js';
import { auditFaults, describeAudit, describeRun } from './describe-run.js';
import { readFacts } from './facts.js';
import { compare, describeComparison, runFloor } from './floor.js';
import { provideK6, type K6 } from './k6-binary.js';
import { newTestId, type RunResult } from './result.js';
import { runScenario } from './run-scenario.js';
import { plan, type Plan, type ScenarioName } from './scenarios.js';
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
  const result = await withStack(stack, stackOptions(context), async (replicas) => {
    const run = { stack, replicas, planned, k6 };
    await warm(context, run);
    return runOnce(context, run);
  });
  return tell(context, result);
}

interface Run {
  stack: Stack;
  replicas: number;
  planned: Plan;
  k6: K6;
}

function warm({ options, say, signal }: Context, { stack, replicas, k6 }: Run): Promise<void> {
  return warmUp({
    stack,
    replicas,
    k6,
    usersPerReplica: options.warmUp ?? WARM_UP_USERS,
    onProgress: say,
    signal,
    allowRemote: options.allowRemote,
  });
}

const runOnce = (
  { options, say, signal }: Context,
  { stack, replicas, planned, k6 }: Run,
): Promise<RunResult> =>
  runScenario({
    stack,
    replicas,
    plan: planned,
    k6,
    onProgress: say,
    signal,
    allowRemote: options.allowRemote,
    warmUpUsers: options.warmUp ?? WARM_UP_USERS,
  });

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

/** Alternates peaks and floors, so that both see the same machine; with --against only floors. */
export async function floorCommand(context: Context): Promise<boolean> {
  const { options, say, signal } = context;
  const openFiles = openFileLimit();
  const planned = plan('peak', options.sizes, openFiles);
  const k6 = await provideK6({ onProgress: say, signal });
  const floor = (): Promise<number> => runFloor({ plan: planned, k6, openFiles, onProgress: say, signal });
  const rounds = Array.from({ length: options.rounds }, (_, i) => i + 1);
  const peakMs: number[] = [];
  const floorMs: number[] = [];
  let allWell = true;
  const round = async (peak: (() => Promise<RunResult>) | null): Promise<void> => {
    for (const n of rounds) {
      say(`Round ${n} of ${rounds.length}`);
      if (peak) {
        const result = await peak();
        allWell = tell(context, result) && allWell;
        peakMs.push(result.makespanMs);
      }
      floorMs.push(await floor());
      say(`  floor: ${floorMs.at(-1)} ms`);
    }
  };
  if (options.against !== undefined) {
    peakMs.push(readMakespan(options.against));
    await round(null);
  } else {
    const stack = await open(context);
    await withStack(stack, stackOptions(context), async (replicas) => {
      const run = { stack, replicas, planned, k6 };
      await warm(context, run);
      await round(() => runOnce(context, run));
    });
  }
  const comparison = compare(peakMs, floorMs);
  const file = join(resultsFolder('loadtest'), `${newTestId('floor', 0)}.json`);
  writeJson(file, comparison);
  say(`\n${describeComparison(comparison)}\n`);
  return allWell;
}

const readMakespan = (file: string): number =>
  z.object({ makespanMs: z.number().positive() }).parse(readJson(file)).makespanMs;
