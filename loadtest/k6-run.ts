import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../common/json-file.js';
import { projectRoot } from '../common/paths.js';
import { k6InfluxEnvironment } from './influx-login.js';
import type { K6 } from './k6-binary.js';
import { LineCounter } from './line-counter.js';
import { segmentArguments, type Segment } from './segments.js';

export interface K6Run {
  k6: K6;
  /** Name of a script of loadtest/k6. */
  script: string;
  /** Existing folder for client.log, k6-summary.json and k6-output.txt. */
  folder: string;
  /** For the script. */
  env: Record<string, string>;
  /** Of every sample. */
  tags: Record<string, string>;
  /** Where samples go, as k6's `--out` takes it: `influxdb=http://127.0.0.1:8086/k6`. */
  out?: string | undefined;
  /** All requests that will be sent, if known. */
  requests: number | null;
  /** Its part of the load; absent: all of it. */
  segment?: Segment;
  /** Its connections start from it; absent: the kernel chooses. */
  localAddress?: string | undefined;
  /** With k6's process, once it runs. */
  onStarted?: (pid: number) => void;
  onProgress: (line: string) => void;
  signal?: AbortSignal;
}

export interface K6Result {
  clientLog: string;
  /** What k6 itself found wrong, in words; empty when all thresholds held. */
  faults: string[];
  /** Iterations of an open model that no virtual user was free for. */
  dropped: number;
}

/** k6's exit status for thresholds that did not hold. */
const THRESHOLDS_FAILED = 99;
const INTERRUPT_PATIENCE_MS = 10_000;

/**
 * Runs one script to its end, with a line of progress a second. Resolves also when thresholds failed; rejects when k6
 * could not do its work, with the end of what it said, or when aborted (k6 has ended by then).
 */
export async function runK6(run: K6Run): Promise<K6Result> {
  const clientLog = join(run.folder, 'client.log');
  const summary = join(run.folder, 'k6-summary.json');
  const said = join(run.folder, 'k6-output.txt');
  const output = await open(said, 'w');
  const progress = showProgress(clientLog, run.requests, run.onProgress);
  let status: number | string;
  try {
    status = await spawnK6(run, argumentsOf(run, clientLog, summary), output.fd);
  } finally {
    await progress.stop();
    await output.close();
  }
  run.signal?.throwIfAborted();
  if (status !== 0 && status !== THRESHOLDS_FAILED) {
    throw new Error(`k6 ended with ${status}:\n${await endOf(said)}`);
  }
  const { metrics = {} } = readJson<SummaryExport>(summary);
  const faults = failedThresholds(metrics);
  if (status === THRESHOLDS_FAILED && faults.length === 0)
    faults.push(`k6 ended with ${status}, see ${said}`);
  return { clientLog, faults, dropped: metrics.dropped_iterations?.count ?? 0 };
}

function argumentsOf(run: K6Run, clientLog: string, summary: string): string[] {
  const pairs = (option: string, values: Record<string, string>) =>
    Object.entries(values).flatMap(([name, value]) => [option, `${name}=${value}`]);
  return [
    ...run.k6.args,
    'run',
    '--quiet',
    '--no-color',
    '--no-usage-report',
    // The environment of whoever calls must not change the scenario.
    '--include-system-env-vars=false',
    ...['--address', ''],
    // Raw lines, written one by one to the file before console.log returns: nothing is queued, nothing gets lost.
    ...['--log-format', 'raw', '--console-output', clientLog],
    ...['--summary-export', summary],
    ...(run.out === undefined ? [] : ['--out', run.out]),
    ...(run.localAddress === undefined ? [] : ['--local-ips', run.localAddress]),
    ...segmentArguments(run.segment ?? { index: 1, of: 1 }),
    ...pairs('--tag', run.tags),
    ...pairs('--env', { ...run.env, CLIENT_LOG: '1' }),
    join(projectRoot, 'loadtest/k6', `${run.script}.ts`),
  ];
}

/** Resolves with the exit status, or the signal's name, once k6 has ended. */
function spawnK6(run: K6Run, args: string[], outputFd: number): Promise<number | string> {
  return new Promise((resolve, reject) => {
    // A process group of its own: Ctrl-C reaches k6 once, through us, and not a second time, which would cut it off.
    const child = spawn(run.k6.command, args, {
      stdio: ['ignore', outputFd, outputFd],
      detached: true,
      env: { ...process.env, ...k6InfluxEnvironment() },
    });
    if (child.pid !== undefined) run.onStarted?.(child.pid);
    // Also when this program ends without cleaning up (a second Ctrl-C).
    const orphaned = (): void => void child.kill('SIGKILL');
    process.once('exit', orphaned);
    let impatient: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill('SIGINT');
      impatient = setTimeout(() => child.kill('SIGKILL'), INTERRUPT_PATIENCE_MS);
    };
    if (run.signal?.aborted) stop();
    run.signal?.addEventListener('abort', stop, { once: true });
    const ended = (): void => {
      clearTimeout(impatient);
      process.removeListener('exit', orphaned);
      run.signal?.removeEventListener('abort', stop);
    };
    child.once('error', (err) => {
      ended();
      reject(new Error(`${run.k6.command} could not be started`, { cause: err }));
    });
    child.once('exit', (status, signal) => {
      ended();
      resolve(status ?? signal ?? 'no status');
    });
  });
}

function showProgress(clientLog: string, requests: number | null, onProgress: (line: string) => void) {
  const counter = new LineCounter(clientLog);
  const started = Date.now();
  const of = requests === null ? '' : ` of ${requests}`;
  const show = async (): Promise<void> => {
    await counter.readOn();
    const seconds = Math.round((Date.now() - started) / 1_000);
    const { asked, answered } = counter;
    onProgress(
      asked === 0
        ? `  k6 starts its virtual users (${seconds} s)`
        : `  asked ${asked}${of}, answered ${answered} (${seconds} s)`,
    );
  };
  let last = Promise.resolve();
  const timer = setInterval(() => (last = last.then(show)), 1_000);
  return {
    stop: async (): Promise<void> => {
      clearInterval(timer);
      await last.then(show);
    },
  };
}

async function endOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text.trim().split('\n').slice(-15).join('\n');
}

interface SummaryExport {
  /** In k6's export `true` means that the threshold was crossed. */
  metrics?: Record<string, { thresholds?: Record<string, boolean>; count?: number }>;
}

const failedThresholds = (metrics: NonNullable<SummaryExport['metrics']>): string[] =>
  Object.entries(metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds)
      .filter(([, crossed]) => crossed)
      .map(([threshold]) => `k6 threshold on ${metric} failed: ${threshold}`),
  );
