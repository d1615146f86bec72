import { describe, expect, it } from '@jest/globals';
import { median } from '../../../common/statistics.js';
import { isComplete, summarise } from '../../summarise.js';
import { sampleComparison, sampleRun } from '../support/sample-comparison.js';

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

  it('pools success over all valid runs, so that good rounds do not outvote a bad one', () => {
    const stored = sampleComparison({}, (run) =>
      run.replicas === 2 && run.round === 3
        ? { ...run, answers: { ...run.answers, issued: 2_430, timeouts: 570 }, successRate: 0.81 }
        : run,
    );
    const [one, two] = summarise(stored).byReplicas;
    expect(one!.successRate).toBe(1);
    expect(two!.successRate).toBeCloseTo((3_000 + 3_000 + 2_430) / 9_000);
  });

  it('takes waiting times from the rounds that have one, and none when no user got an answer', () => {
    const none = { p50: null, p95: null, p99: null, max: null };
    const stored = sampleComparison({}, (run) =>
      run.replicas === 1 || (run.replicas === 2 && run.round === 1) ? { ...run, latencyMs: none } : run,
    );
    const [one, two] = summarise(stored).byReplicas;
    expect(one).toMatchObject({ latencyMs: { p50: null, p95: null, p99: null }, p95Ms: null });
    const others = stored.runs.filter(({ replicas, round }) => replicas === 2 && round > 1);
    expect(two!.latencyMs!.p95).toBe(median(others.map(({ latencyMs }) => latencyMs.p95!)));
  });

  it('is complete when every planned round has a valid run or was repeated', () => {
    const whole = sampleComparison();
    expect(isComplete(summarise(whole))).toBe(true);
    const part = summarise({ ...whole, runs: whole.runs.slice(0, 4) });
    expect([isComplete(part), part.progress]).toEqual([false, { planned: 9, done: 4 }]);
    expect(part.byReplicas.map(({ rounds, valid }) => [rounds, valid])).toEqual([
      [2, 2],
      [1, 1],
      [1, 1],
    ]);
    const bad = sampleRun(1, 1, { invalid: ['dropped'] });
    const others = whole.runs.slice(1);
    expect(isComplete(summarise({ ...whole, runs: [bad, ...others] }))).toBe(false);
    expect(isComplete(summarise({ ...whole, runs: [bad, { ...bad, attempt: 2 }, ...others] }))).toBe(true);
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
});

describe('the capacity', () => {
  const step = (rate: number, broke: string[], invalid?: string[]) => ({
    replicas: 1,
    rate,
    achieved: rate - 2,
    p99Ms: 20,
    errorRate: 0,
    droppedIterations: 0,
    broke,
    ...(invalid && { invalid }),
    saturatedFirst: broke.length ? ('api' as const) : null,
    cpu: [],
  });
  const limits = { p99Ms: 500, errorRate: 0 };
  const capacityOf = (...steps: ReturnType<typeof step>[]) =>
    summarise({ ...sampleComparison(), capacity: { limits, steps } });

  it('is between the last rate that held and the first that broke', () => {
    const report = capacityOf(step(100, []), step(200, []), step(300, ['p99 800 ms']));
    expect(report.capacityLimits).toEqual(limits);
    expect(report.capacity).toEqual([
      {
        replicas: 1,
        holds: 200,
        achieved: 198,
        breaksAt: 300,
        broke: ['p99 800 ms'],
        invalid: [],
        saturatedFirst: 'api',
      },
    ]);
  });

  it('is never a step whose measurement does not count', () => {
    const report = capacityOf(step(100, [], []), step(200, [], ['the audit is not clean']));
    expect(report.capacity[0]).toMatchObject({
      holds: 100,
      breaksAt: null,
      invalid: [{ rate: 200, reasons: ['the audit is not clean'] }],
    });
  });
});
