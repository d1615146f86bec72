import { describe, expect, it } from '@jest/globals';
import { allSegments, formatSegment, parseSegment, segmentArguments } from '../../segments.js';

describe('a segment of a load test', () => {
  it('is written as one of all', () => {
    expect(parseSegment('2/3')).toEqual({ index: 2, of: 3 });
    expect(allSegments(3).map(formatSegment)).toEqual(['1/3', '2/3', '3/3']);
  });

  it.each(['', '2', '0/3', '4/3', '2/0', '1.5/3', '-1/3', '2/3 ', 'a/b'])('is not %j', (text) => {
    expect(parseSegment(text)).toBeUndefined();
  });

  it('ends for k6 where the next one begins, and all name the same sequence', () => {
    expect(allSegments(3).map((segment) => segmentArguments(segment)[1])).toEqual([
      '0:1/3',
      '1/3:2/3',
      '2/3:1',
    ]);
    const sequences = allSegments(3).map((segment) => segmentArguments(segment)[3]);
    expect(new Set(sequences)).toEqual(new Set(['0,1/3,2/3,1']));
  });

  it('that is the whole needs no words for k6', () => {
    expect(segmentArguments({ index: 1, of: 1 })).toEqual([]);
  });
});
