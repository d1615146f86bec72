import { describe, expect, it } from '@jest/globals';
import { summariseLatency } from '../../../common/statistics.js';
import { measure } from '../../answers.js';
import { ClientLog } from '../../client-log.js';

const attemptsOf = (...lines: string[]) => {
  const log = new ClientLog();
  for (const line of lines) log.add(line);
  return log.attempts;
};

describe('the measures of a run', () => {
  const attempts = attemptsOf(
    ...['> 1 - 1000', '> 2 - 1100', '> 3 - 1200', '> 4 - 1300', '> 5 - 1400', '> 6 - 1500', '> 7 - 1500'],
    '< 1 - 1000 200 1 500 0 0 -',
    '< 2 - 1100 200 2 1900 0 0 -',
    '< 3 - 1200 410 - 100 0 0 sold-out',
    '< 4 - 1300 0 - 200 1050 0 -',
    '< 5 - 1400 0 - 200 1212 0 -',
    '< 6 - 1500 503 - 200 0 0 not-ready',
  );
  const measures = measure(attempts);

  it('count every try once, a try without answer as a timeout', () => {
    expect(measures.answers).toEqual({
      '200': 2,
      '409': 0,
      '410': 1,
      other: 1,
      timeouts: 2,
      connectionErrors: 1,
    });
  });

  it('take coupons a second over the time from the first request to the last answer', () => {
    expect(measures.makespanMs).toBe(2000);
    expect(measures.tps).toBe(1);
    expect(measures.lastAnswerAtMs).toBe(3000);
  });

  it('keep the latency of coupons apart from that of rejections', () => {
    expect(measures.latencyByOutcomeMs.issued).toMatchObject({ p50: 500, max: 1900 });
    expect(measures.latencyByOutcomeMs.rejected).toMatchObject({ p50: 100, max: 100 });
  });

  it('take waiting times of definite answers only: a quick 503 is neither a short wait nor a rejection', () => {
    expect(measures.latencyMs).toEqual({ p50: 500, p95: 1900, p99: 1900, max: 1900 });
    expect(measures.answersPerSecond).toBe(2);
  });

  it('have no waiting time, and not the best one, when nobody got a definite answer', () => {
    const failed = measure(attemptsOf('> 1 - 1000', '< 1 - 1000 503 - 5 0 0 not-ready'));
    expect(failed.latencyMs).toEqual({ p50: null, p95: null, p99: null, max: null });
  });

  it('are zeros and nulls, not NaN, when nobody asked', () => {
    const none = measure([]);
    expect([none.tps, none.makespanMs, none.users, none.sendingMs]).toEqual([0, 0, 0, 0]);
    expect(none.latencyMs).toEqual({ p50: null, p95: null, p99: null, max: null });
  });
});

describe('latency percentiles', () => {
  it('are the nearest rank', () => {
    const oneToHundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(summariseLatency(oneToHundred)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
    expect(summariseLatency([7])).toEqual({ p50: 7, p95: 7, p99: 7, max: 7 });
  });
});
