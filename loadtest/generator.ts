import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { readCpuSupply } from '../common/cpu-supply.js';
import { readJson, writeJson } from '../common/json-file.js';
import { readCpuSeconds } from '../common/processes.js';
import { readClientLog, type Attempt } from './client-log.js';
import type { K6 } from './k6-binary.js';
import { runK6 } from './k6-run.js';
import type { Plan } from './scenarios.js';
import { allSegments, formatSegment, type Segment } from './segments.js';

/** What all generators of a run share. */
export interface GeneratorJob {
  readonly plan: Plan;
  readonly testid: string;
  readonly couponId: number;
  /** The front door. */
  readonly url: string;
  /** When all begin, ms since the epoch by this machine's clock; null: as soon as k6 is ready. */
  readonly startAtMs: number | null;
}

/** One moment of a generator's life. */
export interface CpuSample {
  readonly atMs: number;
  /** CPU that k6 has used since it started. */
  readonly cpuSeconds: number;
  /** How long a quota has held it back so far. */
  readonly throttledSeconds: number;
}

/** `generator.json`. */
export interface GeneratorRecord extends GeneratorJob {
  readonly segment: Segment;
  readonly host: string;
  /** CPUs it could have used. */
  readonly cpus: number;
  readonly k6: string;
  readonly k6Faults: string[];
  /** Iterations of an open model that no virtual user was free for. */
  readonly dropped: number;
  readonly samples: CpuSample[];
}

export interface Generator extends GeneratorRecord {
  readonly attempts: Attempt[];
}

export interface GenerateOptions {
  readonly job: GeneratorJob;
  readonly segment: Segment;
  readonly k6: K6;
  /** Gets client.log, generator.json and what k6 says; made when it is not there. */
  readonly folder: string;
  readonly allowRemote: boolean;
  /** See `K6Run`. */
  readonly localAddress?: string | undefined;
  /** Where k6's samples go, see `K6Run`. */
  readonly out?: string | undefined;
  readonly tags?: Record<string, string> | undefined;
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

const SAMPLE_MS = 200;

/** Runs one generator to its end; what it was told and what it cost are in its folder then. Rejects like `runK6`. */
export async function generate(options: GenerateOptions): Promise<void> {
  const { job, segment, k6, folder, onProgress, signal } = options;
  await mkdir(folder, { recursive: true });
  const samples: CpuSample[] = [];
  let sampling: NodeJS.Timeout | undefined;
  const { faults, dropped } = await runK6({
    k6,
    script: job.plan.scenario,
    folder,
    env: environmentOf(options),
    tags: { ...options.tags, testid: job.testid },
    out: options.out,
    segment,
    localAddress: options.localAddress,
    requests: job.plan.requests === null ? null : Math.round(job.plan.requests / segment.of),
    // In an image k6 is a child of the engine: what is seen here is the client of that engine.
    onStarted: (pid) => {
      if (k6.from !== 'image') sampling = setInterval(() => samples.push(...takeSample(pid)), SAMPLE_MS);
    },
    onProgress,
    signal,
  }).finally(() => clearInterval(sampling));
  const record: GeneratorRecord = {
    ...job,
    segment,
    host: hostname(),
    cpus: readCpuSupply().cpus,
    k6: k6.version,
    k6Faults: faults,
    dropped,
    samples,
  };
  writeJson(join(folder, 'generator.json'), record);
}

function environmentOf({ job, segment, allowRemote }: GenerateOptions): Record<string, string> {
  // One generator's thresholds would be for the numbers of all: the merged answers are compared with the plan instead.
  const env = Object.entries(job.plan.env).filter(
    ([name]) => segment.of === 1 || !name.startsWith('EXPECT_'),
  );
  return {
    ...Object.fromEntries(env),
    BASE_URL: job.url,
    COUPON_ID: String(job.couponId),
    ...(job.startAtMs !== null && { START_AT_MS: String(job.startAtMs) }),
    ...(allowRemote && { ALLOW_REMOTE: 'yes' }),
  };
}

function takeSample(pid: number): CpuSample[] {
  const cpuSeconds = readCpuSeconds(pid);
  if (cpuSeconds === undefined) return [];
  return [{ atMs: Date.now(), cpuSeconds, throttledSeconds: readCpuSupply().throttledSeconds }];
}

/**
 * All generators of one run, in order of their segments, each with everything it was told.
 *
 * @throws when they are not exactly the parts of one run
 */
export async function readGenerators(folders: readonly string[]): Promise<Generator[]> {
  const records = folders.map((folder) => readJson<GeneratorRecord>(join(folder, 'generator.json')));
  requireOneRun(records);
  const generators = await Promise.all(
    records.map(async (record, i) => ({
      ...record,
      attempts: await readClientLog(join(folders[i]!, 'client.log')),
    })),
  );
  return generators.sort((a, b) => a.segment.index - b.segment.index);
}

/** @throws saying which part is missing, there twice, or of another run */
export function requireOneRun(records: readonly GeneratorRecord[]): void {
  const [first] = records;
  if (!first) throw new Error('there are no generators to merge');
  const jobOf = ({ plan, testid, couponId, startAtMs }: GeneratorRecord): string =>
    JSON.stringify([plan, testid, couponId, startAtMs]);
  const stranger = records.find((record) => jobOf(record) !== jobOf(first));
  if (stranger) {
    const names = [first, stranger].map(({ segment }) => formatSegment(segment)).join(' and ');
    throw new Error(
      `generators ${names} are of different runs: scenario, sizes, coupon, start and id must be the same`,
    );
  }
  const present = records.map(({ segment }) => formatSegment(segment));
  const expected = allSegments(first.segment.of).map(formatSegment);
  const missing = expected.filter((name) => !present.includes(name));
  const surplus = present.filter((name, i) => !expected.includes(name) || present.indexOf(name) !== i);
  if (missing.length > 0) throw new Error(`generators are missing: ${missing.join(', ')}`);
  if (surplus.length > 0)
    throw new Error(`generators are there twice, or belong to another number of them: ${surplus.join(', ')}`);
}
