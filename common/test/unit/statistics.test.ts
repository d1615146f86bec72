import { describe, expect, it } from '@jest/globals';
import { measureSpread, median, percentile, summariseLatency } from '../../statistics.js';

describe('median', () => {
  it('takes the middle value of an odd number of values and the mean of the two middle ones of an even number', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 9])).toBe(3);
  });

  it('refuses to make a figure of nothing', () => {
    expect(() => median([])).toThrow('the median of nothing');
  });
});

describe('percentile', () => {
  it('is a value that was measured: nearest rank', () => {
    const sorted = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([0, 0.5, 0.95, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([1, 50, 95, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
  });

  it('refuses to make a figure of nothing', () => {
    expect(() => percentile([], 0.5)).toThrow('a percentile of nothing');
  });
});

describe('latency', () => {
  it('is summarised from durations in any order', () => {
    expect(summariseLatency([30, 10, 20])).toEqual({ p50: 20, p95: 30, p99: 30, max: 30 });
  });

  it('of nothing is null, never 0, which would be the best there is', () => {
    expect(summariseLatency([])).toEqual({ p50: null, p95: null, p99: null, max: null });
  });
});

describe('spread of several rounds', () => {
  it('says how far apart the rounds are, in parts of the median', () => {
    expect(measureSpread([8, 10, 12])).toEqual({ median: 10, min: 8, max: 12, spread: 0.4 });
  });

  it('refuses to make a figure of nothing', () => {
    expect(() => measureSpread([])).toThrow('the median of nothing');
  });
});
