import { median } from '../../common/statistics.js';
import { PARTS } from '../capacity/model.js';
import { burstRound, type BurstRound } from '../measure.js';
import type { Row } from '../rows.js';

export interface CapacityCheck {
  readonly users: number;
  /** CPU of nginx, api, redis, worker and database together, in seconds. */
  readonly predictedCpuSeconds: number;
  readonly measuredCpuSeconds: number;
  /** From the first connect to the last answer; the prediction takes the time per user of the calibrating burst. */
  readonly predictedMs: number;
  readonly measuredMs: number;
}

/** The size that the others are predicted from. */
const CALIBRATING = 10_000;
const SIZES = [2_500, 5_000, 15_000];

/** Bursts of several sizes through the front door, in turn, against what one size predicts for the others. */
export async function checkCapacity(row: Row, program: string, rounds: number): Promise<CapacityCheck[]> {
  const done = new Map<number, BurstRound[]>([CALIBRATING, ...SIZES].map((users) => [users, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [users, bursts] of done) bursts.push(await burstRound(row, program, users));
  }
  const totalUs = ({ cpuUs }: BurstRound) => PARTS.reduce((sum, part) => sum + cpuUs[part]!, 0);
  const cpuUsOf = (users: number) => median(done.get(users)!.map(totalUs));
  const lastAnswerMsOf = (users: number) => median(done.get(users)!.map(({ lastAnswerMs }) => lastAnswerMs));
  return SIZES.map((users) => ({
    users,
    predictedCpuSeconds: (users * cpuUsOf(CALIBRATING)) / 1e6,
    measuredCpuSeconds: (users * cpuUsOf(users)) / 1e6,
    predictedMs: (users * lastAnswerMsOf(CALIBRATING)) / CALIBRATING,
    measuredMs: lastAnswerMsOf(users),
  }));
}
