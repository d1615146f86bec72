import { PARTS, type CpuPerCoupon } from '../capacity/model.js';
import { burstRound, type BurstRound } from '../measure.js';
import type { Row } from '../rows.js';
import { medianOf } from '../statistics.js';

export interface CapacityCheck {
  readonly users: number;
  /** CPU of nginx, api, redis, worker and database together, in seconds. */
  readonly predictedCpuSeconds: number;
  readonly measuredCpuSeconds: number;
  /** From the first connect to the last answer; the prediction takes the time per user of the calibrating burst. */
  readonly predictedMs: number;
  readonly measuredMs: number;
}

/** Sizes other than the one that the prediction is made from. */
const SIZES = [2_500, 5_000, 15_000];

export interface Calibration {
  readonly connections: number;
  readonly lastAnswerMs: number;
  readonly cpuUs: CpuPerCoupon;
}

/** Bursts of several sizes through the front door, against what one size predicts for them. */
export async function checkCapacity(
  row: Row,
  program: string,
  calibration: Calibration,
  rounds: number,
): Promise<CapacityCheck[]> {
  const done = new Map<number, BurstRound[]>(SIZES.map((users) => [users, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const users of SIZES) done.get(users)!.push(await burstRound(row, program, users));
  }
  const total = (cpu: Readonly<Record<string, number>>) => PARTS.reduce((sum, part) => sum + cpu[part]!, 0);
  return SIZES.map((users) => ({
    users,
    predictedCpuSeconds: (users * total(calibration.cpuUs)) / 1e6,
    measuredCpuSeconds: (users * medianOf(done.get(users)!.map(({ cpuUs }) => total(cpuUs)))) / 1e6,
    predictedMs: (users * calibration.lastAnswerMs) / calibration.connections,
    measuredMs: medianOf(done.get(users)!.map(({ lastAnswerMs }) => lastAnswerMs)),
  }));
}
