import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { roundTo, formatNumber } from '../common/format.js';
import { resultsFolder } from '../common/paths.js';
import { median } from '../common/statistics.js';
import { table } from '../common/table.js';
import { measure } from './answers.js';
import { readClientLog } from './client-log.js';
import { startFloorServer } from './floor-server.js';
import type { K6 } from './k6-binary.js';
import { runK6 } from './k6-run.js';
import { newTestId } from './result.js';
import type { Plan } from './scenarios.js';

export interface FloorOptions {
  plan: Plan;
  k6: K6;
  /** Files nginx may open. */
  openFiles: number;
  onProgress: (line: string) => void;
  signal: AbortSignal;
}

/** First request to last answer, in ms, of the peak script against a bare nginx `return 200` of this machine. */
export async function runFloor(options: FloorOptions): Promise<number> {
  const { plan, k6, onProgress, signal } = options;
  const testid = newTestId('floor', 0);
  const folder = join(resultsFolder('loadtest'), testid);
  await mkdir(folder, { recursive: true });
  const files = Math.min(options.openFiles, 65_535);
  const server = await startFloorServer(files, signal);
  try {
    const { clientLog } = await runK6({
      k6,
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
  const ratio = roundTo(peakMedianMs / floorMedianMs, 3);
  return { peakMs, floorMs, peakMedianMs, floorMedianMs, ratio };
}

export function describeComparison({
  peakMs,
  floorMs,
  peakMedianMs,
  floorMedianMs,
  ratio,
}: Comparison): string {
  const list = (values: number[]) => values.map((value) => formatNumber(value)).join(', ');
  return table(
    [
      ['peak, first request to last answer', `median ${formatNumber(peakMedianMs)} ms of ${list(peakMs)}`],
      ["nginx 'return 200', same script", `median ${formatNumber(floorMedianMs)} ms of ${list(floorMs)}`],
      ['ratio', ratio.toFixed(2)],
    ],
    '  ',
  );
}
