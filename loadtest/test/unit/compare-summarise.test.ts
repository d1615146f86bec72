import { describe, expect, it } from '@jest/globals';
import { median, percentile } from '../../compare/statistics.js';
import { summarise } from '../../compare/summarise.js';
import { sampleComparison, sampleRun } from '../support/sample-comparison.js';

describe('statistics', () => {
  it('takes the middle of an odd number of values and the mean of the two middle ones of an even number', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it('gives a percentile that was really measured', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([0.5, 0.95, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 95, 99, 100]);
    expect(percentile([7], 0.99)).toBe(7);
  });
});

describe('summarise', () => {
  it('gives the median and the spread of the valid rounds of each replica count', () => {
    const [one, , four] = summarise(sampleComparison()).byReplicas;
    expect(one).toMatchObject({
      replicas: 1,
      rounds: 3,
      valid: 3,
      speedup: 1,
      efficiency: 1,
      successRate: 1,
    });
    expect(one!.tps!.min).toBeLessThan(one!.tps!.median);
    expect(one!.tps!.max).toBeGreaterThan(one!.tps!.median);
    expect(four!.speedup).toBeCloseTo(four!.tps!.median / one!.tps!.median);
    expect(four!.efficiency).toBeCloseTo(four!.speedup! / 4);
  });

  it('never averages an invalid run in, and says which it was and why', () => {
    const stored = sampleComparison({}, (run) =>
      run.replicas === 2 && run.round === 1
        ? { ...run, tps: 9_999, invalid: ['the audit is not clean'] }
        : run,
    );
    const report = summarise(stored);
    expect(report.byReplicas[1]).toMatchObject({ replicas: 2, rounds: 3, valid: 2 });
    expect(report.byReplicas[1]!.tps!.max).toBeLessThan(1_000);
    expect(report.invalidRuns).toEqual([{ testid: 'sample-r1-n2', reasons: ['the audit is not clean'] }]);
  });

  it('counts a repeated round once', () => {
    const stored = sampleComparison();
    const again = [
      sampleRun(1, 1, { attempt: 2, testid: 'again' }),
      ...stored.runs.map((run) =>
        run.replicas === 1 && run.round === 1 ? { ...run, invalid: ['dropped'] } : run,
      ),
    ];
    expect(summarise({ ...stored, runs: again }).byReplicas[0]).toMatchObject({ rounds: 3, valid: 3 });
  });

  it('has no figures for a count without a valid run, and measures the others by the next smallest count', () => {
    const stored = sampleComparison({}, (run) =>
      run.replicas === 1 ? { ...run, invalid: ['dropped'] } : run,
    );
    const [one, two] = summarise(stored).byReplicas;
    expect(one).toMatchObject({
      valid: 0,
      tps: null,
      latencyMs: null,
      successRate: null,
      speedup: null,
      efficiency: null,
    });
    expect(two).toMatchObject({ speedup: 2, efficiency: 1 });
  });

  it('adds up the samples, and does not know the sum when a run was not counted in InfluxDB', () => {
    expect(summarise(sampleComparison()).samples).toEqual({ k6: 9 * 3_001, influxdb: 9 * 3_001 });
    const without = sampleComparison({}, (run) =>
      run.round === 1 ? { ...run, samples: { k6: 3_001, influxdb: null } } : run,
    );
    expect(summarise(without).samples.influxdb).toBeNull();
  });

  it('finds the capacity between the last rate that held and the first that broke', () => {
    const step = (rate: number, broke: string[]) => ({
      replicas: 1,
      rate,
      achieved: rate,
      p99Ms: 20,
      errorRate: 0,
      droppedIterations: 0,
      broke,
      saturatedFirst: broke.length ? ('api' as const) : null,
      cpu: [],
    });
    const capacity = {
      limits: { p99Ms: 500, errorRate: 0 },
      steps: [step(100, []), step(200, []), step(300, ['p99 800 ms'])],
    };
    expect(summarise({ ...sampleComparison(), capacity }).capacity).toEqual([
      { replicas: 1, holds: 200, breaksAt: 300, broke: ['p99 800 ms'], saturatedFirst: 'api' },
    ]);
  });
});
