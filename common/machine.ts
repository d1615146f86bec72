import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { roundTo } from './format.js';

/** The machine that figures come from. */
export interface Machine {
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryGiB: number;
}

export const describeMachine = (): Machine => ({
  cpus: availableParallelism(),
  cpuModel: cpus()[0]?.model ?? 'unknown',
  memoryGiB: roundTo(totalmem() / 2 ** 30, 1),
});

/** Of one minute: far above the CPUs, figures tell of other work too. */
export const readLoadAverage = (): number => roundTo(loadavg()[0] ?? 0, 1);
