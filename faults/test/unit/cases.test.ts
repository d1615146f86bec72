import { describe, expect, it } from '@jest/globals';
import { makeCase } from '../../fuzz/cases.js';
import { Random } from '../../../common/random.js';

const target = { couponId: 7, adminToken: 'secret-token-of-this-test' };

describe('makeCase', () => {
  it('makes the same requests for the same seed', () => {
    const make = () => {
      const random = new Random(11);
      return Array.from({ length: 200 }, () =>
        Buffer.concat(makeCase(random, target).chunks).toString('hex'),
      );
    };
    expect(make()).toEqual(make());
  });

  it('makes many kinds', () => {
    const random = new Random(3);
    const kinds = new Set(Array.from({ length: 2_000 }, () => makeCase(random, target).kind));
    expect(kinds.size).toBeGreaterThan(18);
  });
});
