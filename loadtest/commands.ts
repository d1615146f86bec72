import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { abortOnSignals, say } from '../common/command-line.js';
import { writeJson } from '../common/json-file.js';
import { openFileLimit } from '../common/open-file-limit.js';
import { sizeFrontDoor } from '../stack/front-door-size.js';
import { openStack } from '../stack/open-stack.js';
import type { StackMode } from '../stack/types.js';
import { AdminClient, waitUntilDrained } from './admin-client.js';
import { audit, isClean } from './audit.js';
import { readClientLog } from './client-log.js';
import { concludeRun } from './conclude-run.js';
import { auditFaults, describeAudit, describeRun } from './describe-run.js';
import { readFacts } from './facts.js';
import { generate } from './generator.js';
import { provideK6 } from './k6-binary.js';
import { refuseFarAway } from './refuse-far-away.js';
import type { RunResult } from './result.js';
import { runScenario } from './run-scenario.js';
import { plan, type ScenarioName, type Sizes } from './scenarios.js';
import type { Segment } from './segments.js';
import { withStack } from './with-stack.js';

const open = (mode: StackMode | undefined, env: Record<string, string> = {}) =>
  openStack({ onProgress: say, env, ...(mode && { mode }) });

export interface RunOptions {
  readonly sizes: Sizes;
  readonly api?: number | undefined;
  readonly mode?: StackMode | undefined;
  /** Processes of k6 that share the load. */
  readonly generators: number;
  readonly allowRemote: boolean;
}

/** @returns whether all was well; people have been told what was not */
export async function runScenarioCommand(
  scenario: ScenarioName,
  { sizes, api, mode, generators, allowRemote }: RunOptions,
): Promise<boolean> {
  const signal = abortOnSignals(() => 'everything goes back to what it was');
  const planned = plan(scenario, sizes, openFileLimit(), generators);
  const tools = { onProgress: say, signal };
  const k6 = await provideK6(tools);
  const stack = await open(mode, sizeFrontDoor(planned.connections));
  const result = await withStack(stack, { ...tools, ...(api && { api }) }, async (replicas) => {
    return await runScenario({ stack, replicas, k6, allowRemote, ...tools, plan: planned, generators });
  });
  return tellResult(result, `loadtest/results/${result.testid}/`);
}

function tellResult(result: RunResult, folder: string): boolean {
  say(`\n${describeRun(result)}\n\n  results in ${folder}`);
  for (const fault of result.faults) say(`  ✗ ${fault}`);
  say(result.faults.length === 0 ? '  ✓ every answer as expected, audit clean\n' : '  ✗ something is off\n');
  return result.faults.length === 0;
}

export interface GenerateCommandOptions {
  readonly scenario: ScenarioName;
  readonly sizes: Sizes;
  readonly segment: Segment;
  readonly at: Date;
  readonly url: string;
  readonly coupon: number;
  readonly out: string;
  readonly allowRemote: boolean;
}

/** One of several generators, on this machine, against a stack that is up somewhere. */
export async function generateCommand(options: GenerateCommandOptions): Promise<void> {
  const { scenario, sizes, segment, at, url, coupon, out, allowRemote } = options;
  refuseFarAway(url, allowRemote);
  if (existsSync(join(out, 'generator.json'))) throw new Error(`${out} has a generator's results already`);
  const tools = { onProgress: say, signal: abortOnSignals(() => 'this generator ends') };
  await generate({
    job: {
      plan: plan(scenario, sizes, openFileLimit(), segment.of),
      testid: `${scenario}-coupon${coupon}`,
      couponId: coupon,
      url,
      startAtMs: at.getTime(),
    },
    segment,
    // Also inside the image, which sees the project at its own place and nothing else.
    folder: resolve(out),
    k6: await provideK6(tools),
    allowRemote,
    ...tools,
  });
  say(`\n  ✓ this generator is done: ${out}. All of them together: merge, where the stack is\n`);
}

export interface MergeOptions {
  readonly mode?: StackMode;
}

/** What all generators of a run were told, audited against the stack, which must be up. @returns whether all was well */
export async function mergeCommand(folders: readonly string[], { mode }: MergeOptions): Promise<boolean> {
  const signal = abortOnSignals(() => 'nothing was changed');
  const stack = await open(mode);
  if (!(await stack.isUp())) throw new Error('the stack is not up: only a running one can be audited');
  const result = await concludeRun({
    stack,
    replicas: await stack.replicas(),
    folders,
    onProgress: say,
    signal,
  });
  const place = dirname(resolve(folders[0]!));
  writeJson(join(place, 'result.json'), result);
  return tellResult(result, join(place, 'result.json'));
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
