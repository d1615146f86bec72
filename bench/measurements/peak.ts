import { median } from '../../common/statistics.js';
import type { PeakRound } from '../../loadtest/peak-round.js';

export type Peak = ReturnType<typeof summarisePeak>;

/** Medians: one odd round does not move them. */
export const summarisePeak = (rounds: readonly PeakRound[]) => ({
  makespanMs: median(rounds.map(({ makespanMs }) => makespanMs)),
  p95Ms: median(rounds.map(({ latencyMs }) => latencyMs.p95 ?? Number.NaN)),
  rounds,
});
