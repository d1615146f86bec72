import { describe, expect, it } from '@jest/globals';
import { spreadOf } from '../../statistics.js';

describe('spread of several rounds', () => {
  it('takes the middle value of an odd number of rounds and the mean of the two middle ones of an even number', () => {
    expect(spreadOf([9, 1, 5]).median).toBe(5);
    expect(spreadOf([4, 1, 2, 9]).median).toBe(3);
  });

  it('says how far apart the rounds are, in parts of the median', () => {
    expect(spreadOf([8, 10, 12])).toEqual({ median: 10, min: 8, max: 12, spread: 0.4 });
  });

  it('refuses to make a figure of nothing', () => {
    expect(() => spreadOf([])).toThrow('the median of nothing');
  });
});
