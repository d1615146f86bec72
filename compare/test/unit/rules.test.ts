import { describe, expect, it } from '@jest/globals';
import { toLine } from '../../../common/influx.js';
import { toQuota } from '../../../stack/native/cpu-cap.js';
import { parseMetrics } from '../../../grafana/test/support/prometheus.js';
import { remaining, servingReplicas } from '../../order.js';
import { curveOf } from '../../curve.js';
import { limitOf, saturatedFirst } from '../../saturation.js';
import { brokenLimits } from '../../step-load.js';
import type { CpuUse, RunRecord } from '../../types.js';
import { invalidReasons } from '../../validity.js';
import { sampleRecord, sampleRun } from '../support/sample-comparison.js';

describe('which runs are left to do', () => {
  it('has each count once in a round, in orders of their own that are always the same', () => {
    const left = remaining({ ...sampleRecord, rounds: 12 }, []);
    const orders = Array.from({ length: 12 }, (_, index) =>
      left.filter(({ round }) => round === index + 1).map(({ replicas }) => replicas),
    );
    expect(left.map(({ round }) => round)).toEqual(orders.flatMap((_, index) => Array(3).fill(index + 1)));
    for (const order of orders) expect([...order].sort()).toEqual([1, 2, 4]);
    for (const first of [1, 2, 4]) expect(orders.map(([count]) => count)).toContain(first);
    expect(remaining({ ...sampleRecord, rounds: 12 }, [])).toEqual(left);
  });

  it('is nothing when the comparison has ended', () => {
    expect(remaining({ ...sampleRecord, ended: 'narrow' }, [])).toEqual([]);
  });

  it('goes on after an interruption with what is not there yet', () => {
    const done = [sampleRun(1, 1), sampleRun(2, 1)];
    expect(remaining(sampleRecord, done)[0]).toEqual({ round: 1, replicas: 4, attempt: 1 });
    expect(remaining(sampleRecord, done)).toHaveLength(7);
  });

  it('repeats an invalid run once and no more', () => {
    const bad = sampleRun(1, 1, { invalid: ['dropped'] });
    const ofOne = (done: RunRecord[]) =>
      remaining(sampleRecord, done).filter(({ round, replicas }) => round === 1 && replicas === 1);
    expect(ofOne([bad])).toEqual([{ round: 1, replicas: 1, attempt: 2 }]);
    expect(ofOne([bad, { ...bad, attempt: 2 }])).toEqual([]);
  });
});

describe('which replicas serve', () => {
  it('are others in the next round, each as often', () => {
    expect(servingReplicas(2, 3, 4)).toEqual(['api-4', 'api-1']);
    const served = [1, 2, 3, 4].flatMap((round) => servingReplicas(2, round, 4));
    for (const name of ['api-1', 'api-2', 'api-3', 'api-4'])
      expect(served.filter((one) => one === name)).toHaveLength(2);
    expect(servingReplicas(4, 9, 4).sort()).toEqual(['api-1', 'api-2', 'api-3', 'api-4']);
  });
});

describe('which runs count', () => {
  const good = { audit: sampleRun(1, 1).audit, droppedIterations: 0, samples: { k6: 10, influxdb: 10 } };

  it('takes a clean audit, no dropped iteration and every sample', () => {
    expect(invalidReasons(good)).toEqual([]);
    expect(invalidReasons({ ...good, samples: { k6: 10, influxdb: null } })).toEqual([]);
  });

  it.each([
    ['a lost coupon', { ...good, audit: { ...good.audit, lost: 1 } }, 'the audit is not clean (1 lost)'],
    [
      'an audit that never saw everything persisted',
      { ...good, audit: { ...good.audit, persistedAfterMs: null } },
      'not everything issued was in MySQL in time',
    ],
    [
      'a dead letter',
      { ...good, audit: { ...good.audit, deadLetters: 2, missingInRedis: 1 } },
      'the audit is not clean (1 missingInRedis, 2 deadLetters)',
    ],
    ['a dropped iteration', { ...good, droppedIterations: 3 }, 'k6 dropped 3 iterations'],
    ['a missing sample', { ...good, samples: { k6: 10, influxdb: 9 } }, 'InfluxDB has 9 of 10 samples'],
  ])('does not take %s', (_, judged, reason) => {
    expect(invalidReasons(judged)).toEqual([reason]);
  });
});

describe('what saturated first', () => {
  const use = (component: CpuUse['component'], utilisation: number, seconds = utilisation): CpuUse => ({
    component,
    utilisation,
    seconds,
    limitCpus: 1,
  });

  it('is the part nearest to its own limit, when it came near', () => {
    expect(saturatedFirst([use('api', 0.97), use('nginx', 0.9), use('k6', 0.4)], 0.5, 0.5)).toBe('api');
  });

  it('is nothing when everybody had room', () => {
    expect(saturatedFirst([use('api', 0.5), use('k6', 0.4)], 0.6, 0.6)).toBeNull();
  });

  it('is the part that used most CPU when the machine had none left', () => {
    expect(saturatedFirst([use('api', 0.5, 1), use('k6', 0.7, 8)], 0.97, 0.9)).toBe('k6');
  });

  it('is nothing of ours when other programs used the machine up', () => {
    expect(saturatedFirst([use('api', 0.5, 1), use('k6', 0.1, 2)], 1, 0.2)).toBeNull();
  });

  it('measures replicas by their caps, and by a thread each without them', () => {
    expect(limitOf('api', { cpus: 2, cap: 0.05 })).toBe(0.05);
    expect(limitOf('api', { cpus: 2, cap: null })).toBe(1);
  });
});

describe('the CPU cap', () => {
  it('has a short period, and never a quota below what Linux takes', () => {
    expect(toQuota(0.5)).toEqual({ periodMicroseconds: 10_000, quota: 5_000 });
    expect(toQuota(0.05)).toEqual({ periodMicroseconds: 20_000, quota: 1_000 });
    for (const cpus of [0.01, 0.03, 0.07, 0.1, 1]) {
      const { periodMicroseconds, quota } = toQuota(cpus);
      expect(quota).toBeGreaterThanOrEqual(1_000);
      expect(quota / periodMicroseconds).toBeCloseTo(cpus, 2);
    }
  });
});

describe('the curve of a run', () => {
  const answered = (sentMs: number, durationMs: number, status = 200) => ({
    userId: '1',
    key: null,
    sentMs,
    answer: { status, rank: null, durationMs, errorCode: 0, replayed: false, code: null },
  });

  it('counts answers by the second in which they came, from the first request on, silent seconds too', () => {
    const curve = curveOf([
      answered(5_000, 100),
      answered(5_000, 2_300),
      answered(5_100, 2_400, 503),
      { ...answered(5_200, 0), answer: null },
    ]);
    expect(curve.map(({ issued, failed }) => [issued, failed])).toEqual([
      [1, 0],
      [0, 0],
      [1, 1],
    ]);
    expect(curve[1]!.p95).toBeNull();
    expect(curve[2]).toMatchObject({ p50: 2_300, p99: 2_300 });
  });
});

describe('line protocol', () => {
  it('escapes what would end a tag or a text, and leaves out what is no number', () => {
    const point = {
      measurement: 'events',
      tags: { testid: 'a b,c=d', none: '' },
      fields: { tps: 1.5, p95: NaN, text: 'say "hi"' },
      timeMs: 12.4,
    };
    expect(toLine(point)).toBe('events,testid=a\\ b\\,c\\=d tps=1.5,text="say \\"hi\\"" 12');
  });
});

describe('a metrics page', () => {
  it('becomes points as Telegraf writes them', () => {
    const page = [
      '# TYPE coupon_answers_total counter',
      'coupon_answers_total{outcome="issued"} 7',
      '# TYPE coupon_batch_size histogram',
      'coupon_batch_size_bucket{le="1"} 2',
      'coupon_batch_size_bucket{le="+Inf"} 3',
      'coupon_batch_size_sum 9',
      'coupon_batch_size_count 3',
      '# TYPE coupon_drain_lag_entries gauge',
      'coupon_drain_lag_entries Nan',
    ].join('\n');
    expect(parseMetrics(page, { address: 'api-1' }, 5)).toEqual([
      {
        measurement: 'coupon_answers_total',
        tags: { address: 'api-1', outcome: 'issued' },
        fields: { counter: 7 },
        timeMs: 5,
      },
      {
        measurement: 'coupon_batch_size',
        tags: { address: 'api-1' },
        fields: { 1: 2, '+Inf': 3, sum: 9, count: 3 },
        timeMs: 5,
      },
    ]);
  });
});

describe('a step of rising load', () => {
  it('holds while p99, errors and arrivals are within the limits, and names what broke', () => {
    expect(brokenLimits({ p99Ms: 900, errorRate: 0, droppedIterations: 0 })).toEqual([]);
    expect(brokenLimits({ p99Ms: null, errorRate: 0, droppedIterations: 0 })).toEqual(['no answer']);
    expect(brokenLimits({ p99Ms: 1_500, errorRate: 0.01, droppedIterations: 4 })).toEqual([
      'p99 1.50 s',
      'errors 1.00 %',
      '4 arrivals found no free user',
    ]);
  });
});
