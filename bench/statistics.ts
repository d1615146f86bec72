import { median as middleOf } from '../loadtest/statistics.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** (max − min) ÷ median: how far the rounds are apart. */
  readonly spread: number;
}

/** @throws when there is no value */
export function spreadOf(values: readonly number[]): Spread {
  const median = middleOf(values);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { median, min, max, spread: median === 0 ? 0 : (max - min) / median };
}

export const medianOf = (values: readonly number[]): number => spreadOf(values).median;
