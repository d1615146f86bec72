import { Random } from '../common/random.js';
import { median, percentile } from '../common/statistics.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Fewer values do not tell how far their median may be off. */
const LEAST_VALUES = 5;
const RESAMPLES = 2_000;

/**
 * 95 % interval of the median by bootstrap: as many values drawn from these, with repetition, again and again. The same
 * values always give the same interval.
 *
 * @returns null of too few values
 */
export function medianInterval(values: readonly number[]): Interval | null {
  if (values.length < LEAST_VALUES) return null;
  const random = new Random(values.length);
  const medians = Array.from({ length: RESAMPLES }, () => median(values.map(() => random.pick(values)))).sort(
    (a, b) => a - b,
  );
  return { low: percentile(medians, 0.025), high: percentile(medians, 0.975) };
}

/** Half of the interval's width ÷ the value it belongs to: 0.06 is ±6 %. */
export const relativeWidth = ({ low, high }: Interval, value: number): number => (high - low) / 2 / value;
