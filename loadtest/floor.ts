import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { measure } from './answers.js';
import { readClientLog } from './client-log.js';
import { startFloorServer } from './floor-server.js';
import type { K6 } from './k6-binary.js';
import { runK6 } from './k6-run.js';
import { newTestId } from './result.js';
import type { Plan } from './scenarios.js';
import { median } from './statistics.js';
import { number, table } from './table.js';

export interface FloorOptions {
  plan: Plan;
  k6: K6;
  /** Folder of the project. */
  root: string;
  /** Files nginx may open. */
  openFiles: number;
  onProgress: (line: string) => void;
  signal: AbortSignal;
}

/** First request to last answer, in ms, of the peak script against a bare nginx `return 200` of this machine. */
export async function runFloor(options: FloorOptions): Promise<number> {
  const { plan, k6, root, onProgress, signal } = options;
  const testid = newTestId('floor', 0);
  const folder = join(root, 'loadtest', 'results', testid);
  await mkdir(folder, { recursive: true });
  const files = Math.min(options.openFiles, 65_535);
  const server = await startFloorServer(files, signal);
  try {
    const { clientLog } = await runK6({
      k6,
      root,
      script: plan.scenario,
      folder,
      env: { ...plan.env, BASE_URL: server.url, COUPON_ID: '1' },
      tags: { testid },
      requests: plan.requests,
      onProgress,
      signal,
    });
    const { makespanMs, answers } = measure(await readClientLog(clientLog));
    if (answers['200'] !== plan.requests)
      throw new Error(`the floor answered only ${answers['200']} times with 200`);
    return makespanMs;
  } finally {
    await server.stop();
  }
}

export interface Comparison {
  peakMs: number[];
  floorMs: number[];
  peakMedianMs: number;
  floorMedianMs: number;
  /** Median of the peaks over median of the floors. */
  ratio: number;
}

/** Both lists have at least one value. */
export function compare(peakMs: number[], floorMs: number[]): Comparison {
  const peakMedianMs = median(peakMs);
  const floorMedianMs = median(floorMs);
  const ratio = Math.round((peakMedianMs / floorMedianMs) * 1_000) / 1_000;
  return { peakMs, floorMs, peakMedianMs, floorMedianMs, ratio };
}

export function describeComparison({
  peakMs,
  floorMs,
  peakMedianMs,
  floorMedianMs,
  ratio,
}: Comparison): string {
  const list = (values: number[]) => values.map(number).join(', ');
  return table([
    ['peak, first request to last answer', `median ${number(peakMedianMs)} ms of ${list(peakMs)}`],
    ["nginx 'return 200', same script", `median ${number(floorMedianMs)} ms of ${list(floorMs)}`],
    ['ratio', ratio.toFixed(2)],
  ]);
}
