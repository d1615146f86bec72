import { median } from '../../common/statistics.js';
import { PARTS } from '../capacity/model.js';
import { measureBurstRound, measureInTurn, type BurstRound } from '../measure.js';
import type { Subject } from '../subject.js';

export type CapacityCheck = Awaited<ReturnType<typeof checkCapacity>>[number];

/** The size that the others are predicted from. */
const CALIBRATING = 10_000;
const SIZES = [2_500, 5_000, 15_000];

const sumCpu = ({ cpuUs }: BurstRound): number => PARTS.reduce((sum, part) => sum + cpuUs[part]!, 0);

/** Bursts of several sizes through the front door, in turn, against what one size predicts for the others. */
export async function checkCapacity(system: Subject, program: string, rounds: number) {
  const bursts = await measureInTurn([CALIBRATING, ...SIZES], rounds, (users) =>
    measureBurstRound(system, program, users),
  );
  const takeMedian = (users: number, read: (round: BurstRound) => number) =>
    median(bursts.get(users)!.map(read));
  const readLastAnswer = ({ lastAnswerMs }: BurstRound) => lastAnswerMs;
  return SIZES.map((users) => ({
    users,
    // Of nginx, api, redis, worker and database together.
    predictedCpuSeconds: (users * takeMedian(CALIBRATING, sumCpu)) / 1e6,
    measuredCpuSeconds: (users * takeMedian(users, sumCpu)) / 1e6,
    // From the first connect to the last answer.
    predictedMs: (users * takeMedian(CALIBRATING, readLastAnswer)) / CALIBRATING,
    measuredMs: takeMedian(users, readLastAnswer),
  }));
}
