import { expect, it } from '@jest/globals';
import { summarisePeak } from '../../measurements/peak.js';

it('peaks are compared by medians, which one odd round does not move', () => {
  const rounds = [1_300, 9_000, 1_200].map((makespanMs) => ({
    makespanMs,
    latencyMs: { p50: 1, p95: 1, p99: 1, max: 1 },
    issued: 10,
    users: 10,
  }));
  expect(summarisePeak(rounds)).toMatchObject({ makespanMs: 1_300, p95Ms: 1, rounds });
});
