import { describe, expect, it } from '@jest/globals';
import { fingerprintOf } from '../../src/coupon/attempt-key.js';

describe('a fingerprint of an attempt key', () => {
  it('is the same for the same key in every process: replicas compare what others wrote', () => {
    // Published values of cyrb53.
    expect(fingerprintOf('a')).toBe((7929297801672961).toString(36));
    expect(fingerprintOf('b')).toBe((8684336938537663).toString(36));
  });

  it('is short, printable and without the characters that separate the fields of a record', () => {
    for (let i = 0; i < 1_000; i++) expect(fingerprintOf(`key ${i}`)).toMatch(/^[0-9a-z]{1,11}$/);
  });

  it('differs for 200,000 keys that differ in a digit only', () => {
    const seen = new Set(Array.from({ length: 200_000 }, (_, i) => fingerprintOf(`request-${i}`)));
    expect(seen.size).toBe(200_000);
  });
});
