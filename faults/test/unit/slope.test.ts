import { describe, expect, it } from '@jest/globals';
import { isFlat, fitSlope } from '../../soak/slope.js';

const series = (value: (minutes: number) => number) =>
  Array.from({ length: 40 }, (_, minutes) => ({ minutes, value: value(minutes) }));

describe('fitSlope', () => {
  it('finds the growth a minute', () => {
    expect(fitSlope(series((minutes) => 100 + 2 * minutes)).perMinute).toBeCloseTo(2);
  });

  it('calls a series flat whose peaks come and go', () => {
    const peaks = fitSlope(series((minutes) => (minutes % 10 === 5 ? 500 : 100)));
    expect(isFlat(peaks, { share: 0.1, free: 1 })).toBe(true);
  });

  it('does not call a steady growth flat', () => {
    expect(isFlat(fitSlope(series((minutes) => 100 + 2 * minutes)), { share: 0.15, free: 15 })).toBe(false);
  });

  it('allows what falls', () => {
    expect(isFlat(fitSlope(series((minutes) => 100 - minutes)), { share: 0, free: 0 })).toBe(true);
  });
});
