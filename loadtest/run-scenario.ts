import { join } from 'node:path';
import { writeJson } from '../common/json-file.js';
import { readLoadAverage } from '../common/machine.js';
import { resultsFolder } from '../common/paths.js';
import type { Stack } from '../stack/types.js';
import { AdminClient } from './admin-client.js';
import { concludeRun } from './conclude-run.js';
import { readStackCpu } from './cpu-usage.js';
import { generate, type GeneratorJob } from './generator.js';
import type { K6 } from './k6-binary.js';
import { refuseFarAway } from './refuse-far-away.js';
import { newTestId, type RunResult } from './result.js';
import type { Plan } from './scenarios.js';
import { allSegments, formatSegment, type Segment } from './segments.js';

export interface RunScenarioOptions {
  stack: Stack;
  replicas: number;
  plan: Plan;
  k6: K6;
  /** Processes of k6 on this machine that share the load; 1 when absent. */
  generators?: number;
  onProgress: (line: string) => void;
  signal: AbortSignal;
  allowRemote?: boolean;
  drainTimeoutMs?: number;
  /** Where k6's samples go, see `K6Run`. */
  out?: string | undefined;
  /** Of every sample, besides `testid` and `replicas`. */
  tags?: Record<string, string>;
  /** Around k6 alone: after the campaign is open, and before draining and audit ask for anything. */
  aroundLoad?: { before: () => Promise<void>; after: () => Promise<void> };
}

/**
 * One run on a stack that is up: fresh campaign, k6, drain, audit. Resolves with the result, its faults in words, also
 * when something is off; rejects when the run itself was not possible.
 */
export async function runScenario(options: RunScenarioOptions): Promise<RunResult> {
  const { stack, plan, onProgress, generators = 1 } = options;
  refuseFarAway(stack.frontUrl, options.allowRemote ?? false);
  const startedAt = new Date();
  const loadBefore = readLoadAverage();
  const testid = newTestId(plan.scenario, options.replicas, startedAt);
  const folder = join(resultsFolder('loadtest'), testid);
  const couponId = await new AdminClient(stack).createCampaign(testid, plan.stock);
  const { k6 } = options;
  onProgress(`Campaign ${couponId} with ${plan.stock} coupons; k6 ${k6.version} (${k6.from}) runs`);
  const cpuBefore = await readStackCpu(stack);
  await options.aroundLoad?.before();
  const startAtMs = generators === 1 ? null : Date.now() + timeToStart(plan);
  const folders = await generateHere(options, folder, {
    plan,
    testid,
    couponId,
    url: stack.frontUrl,
    startAtMs,
  }).finally(() => options.aroundLoad?.after());
  const result = await concludeRun({
    ...options,
    folders,
    seen: { cpuBefore, loadBefore, startedAt: startedAt.toISOString() },
  });
  writeJson(join(folder, 'result.json'), result);
  return result;
}

/**
 * An address of the loopback for each generator, which has source ports of its own: with 22,000 connections from one address
 * Linux searches long for each further port (docs/generators.md).
 */
const localAddressOf = ({ stack }: RunScenarioOptions, { index, of }: Segment): string | undefined =>
  of > 1 && stack.mode === 'native' ? `127.0.1.${index}` : undefined;

/** k6 makes 1,500 to 2,000 virtual users a second on two cores. */
const timeToStart = ({ connections }: Plan): number => 10_000 + connections;

/** All generators, each with a folder of its own when there are several. One that fails ends the others. */
async function generateHere(
  options: RunScenarioOptions,
  folder: string,
  job: GeneratorJob,
): Promise<string[]> {
  const { generators = 1, replicas, tags, onProgress, allowRemote = false } = options;
  const failed = new AbortController();
  const several = generators > 1;
  const started = allSegments(generators).map(async (segment) => {
    const own = several ? join(folder, `generator-${segment.index}`) : folder;
    await generate({
      job,
      segment,
      k6: options.k6,
      folder: own,
      allowRemote,
      localAddress: localAddressOf(options, segment),
      out: options.out,
      // InfluxDB keeps one point for a time and a set of tags: two generators must not share one.
      tags: { ...tags, replicas: String(replicas), ...(several && { generator: String(segment.index) }) },
      onProgress: several ? (line) => onProgress(`${formatSegment(segment)} ${line}`) : onProgress,
      signal: AbortSignal.any([options.signal, failed.signal]),
    }).catch((err: unknown) => {
      failed.abort(err);
      throw err;
    });
    return own;
  });
  await Promise.allSettled(started);
  return await Promise.all(started);
}
