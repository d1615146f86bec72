import { describe, expect, it } from '@jest/globals';
import { Random } from '../../random.js';

const draw = (random: Random): number[] => Array.from({ length: 50 }, () => random.between(1, 6));

describe('Random', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    expect(draw(new Random(7))).toEqual(draw(new Random(7)));
    expect(draw(new Random(7))).not.toEqual(draw(new Random(8)));
  });

  it('stays within both ends', () => {
    expect(new Set(draw(new Random(1)))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });

  it('gives each part numbers of its own, whatever the others draw', () => {
    const [a, b] = [new Random(5), new Random(5)];
    a.next();
    expect(draw(a.fork(3))).toEqual(draw(b.fork(3)));
    expect(draw(a.fork(3))).not.toEqual(draw(a.fork(4)));
  });

  it('shuffles without losing anything', () => {
    expect(new Random(2).shuffle([1, 2, 3, 4, 5]).toSorted()).toEqual([1, 2, 3, 4, 5]);
  });
});
