import type { StackMode } from '../stack/types.js';
import { SCENARIOS } from './scenarios/index.js';

export interface Options {
  seed: number;
  /** Numbers of the scenarios. */
  only: readonly number[];
  mode: StackMode;
  /** Fewer faults in each scenario, and no window of loss. */
  quick: boolean;
  /** Leaves the stack running. */
  keep: boolean;
}

/** Under 90 s together: what `make test` can afford. */
export const QUICK_SCENARIOS = [1, 5, 9, 11];
export const EVERY_SCENARIO = SCENARIOS.map(({ number }) => number);
