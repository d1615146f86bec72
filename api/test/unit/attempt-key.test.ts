import { describe, expect, it } from '@jest/globals';
import { computeFingerprint } from '../../src/coupon/attempt-key.js';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Lowest digit first. */
const numberOf = (fingerprint: string): number =>
  [...fingerprint].reduceRight((sum, digit) => sum * 64 + DIGITS.indexOf(digit), 0);

describe('a fingerprint of an attempt key', () => {
  it('is the same for the same key in every process: replicas compare what others wrote', () => {
    // Published values of cyrb53.
    expect(numberOf(computeFingerprint('a'))).toBe(7929297801672961);
    expect(numberOf(computeFingerprint('b'))).toBe(8684336938537663);
  });

  it('is short, printable and without the characters that separate the fields of a record', () => {
    for (let i = 0; i < 1_000; i++) expect(computeFingerprint(`key ${i}`)).toMatch(/^[\w-]{9}$/);
  });

  it('differs for 200,000 keys that differ in a digit only', () => {
    const seen = new Set(Array.from({ length: 200_000 }, (_, i) => computeFingerprint(`request-${i}`)));
    expect(seen.size).toBe(200_000);
  });
});
