import { describe, expect, it } from '@jest/globals';
import { parseOptions, QUICK_ROWS } from '../../options.js';
import { SCENARIOS } from '../../scenarios/index.js';

describe('parseOptions', () => {
  it('takes every row and a fresh seed when nothing is asked for', () => {
    const { only, seed, quick } = parseOptions([]);
    expect(only).toEqual(SCENARIOS.map(({ number }) => number));
    expect(Number.isInteger(seed)).toBe(true);
    expect(quick).toBe(false);
  });

  it('takes the rows and the seed that are asked for', () => {
    expect(parseOptions(['--only', '1, 3', '--seed', '9'])).toMatchObject({ only: [1, 3], seed: 9 });
    expect(parseOptions(['--quick']).only).toEqual(QUICK_ROWS);
  });

  it.each([
    ['--only', '99'],
    ['--only', 'x'],
    ['--seed', '-1'],
    ['--seed', '1.5'],
    ['--what', '1'],
  ])('refuses %s %s', (...args) => {
    expect(() => parseOptions(args)).toThrow();
  });
});
