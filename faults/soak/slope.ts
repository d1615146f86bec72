import { median } from '../../common/statistics.js';

export interface Point {
  /** Minutes since the start. */
  minutes: number;
  value: number;
}

export interface Slope {
  perMinute: number;
  first: number;
  last: number;
}

/** Least squares; `first` and `last` are medians of the first and the last quarter, which single peaks do not move. */
export function fitSlope(points: readonly Point[]): Slope {
  const count = points.length;
  const meanX = points.reduce((sum, { minutes }) => sum + minutes, 0) / count;
  const meanY = points.reduce((sum, { value }) => sum + value, 0) / count;
  const above = points.reduce((sum, { minutes, value }) => sum + (minutes - meanX) * (value - meanY), 0);
  const below = points.reduce((sum, { minutes }) => sum + (minutes - meanX) ** 2, 0);
  const quarter = Math.max(1, Math.floor(count / 4));
  const values = points.map(({ value }) => value);
  return {
    perMinute: below === 0 ? 0 : above / below,
    first: median(values.slice(0, quarter)),
    last: median(values.slice(-quarter)),
  };
}

export interface Allowance {
  /** What the last quarter may have more than the first, as a share of it and in its own unit: either is enough. */
  share: number;
  free: number;
}

export const isFlat = ({ first, last }: Slope, { share, free }: Allowance): boolean =>
  last - first <= Math.max(first * share, free);

/** Left out of a judgement: caches and pools are filled. */
const WARM_UP_SHARE = 0.2;

/** `minutes`: of the whole run. */
export function evaluateSeries(
  points: readonly Point[],
  minutes: number,
  allowance: Allowance,
): Slope & { flat: boolean } {
  const slope = fitSlope(points.filter((point) => point.minutes >= minutes * WARM_UP_SHARE));
  return { ...slope, flat: isFlat(slope, allowance) };
}
