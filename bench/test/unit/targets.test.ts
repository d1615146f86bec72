import { describe, expect, it } from '@jest/globals';
import { measureSpread } from '../../../common/statistics.js';
import type { SubjectResult } from '../../measure.js';
import { checkTargets } from '../../targets.js';

const subject = (id: string, requestsPerSecond: number, cpuUs: Record<string, number>): SubjectResult => ({
  id,
  what: id,
  kind: 'service',
  kept: {
    requestsPerSecond: measureSpread([requestsPerSecond]),
    latencyMs: { p50: 1, p95: 2, p99: 3 },
    cpuUs: Object.fromEntries(Object.entries(cpuUs).map(([service, us]) => [service, measureSpread([us])])),
    rounds: [],
  },
});

const target = (id: string, subjects: SubjectResult[], measurements = {}) =>
  checkTargets(subjects, measurements).find((candidate) => candidate.id === id);

describe('targets', () => {
  it('holds when the ratio is exactly the limit, and not beyond it', () => {
    const echo = subject('node-echo', 1, { node: 10 });
    expect(target('1', [subject('issue', 1, { api: 14, redis: 1 }), echo])).toMatchObject({
      ratio: 1.4,
      met: true,
    });
    expect(target('1', [subject('issue', 1, { api: 14.1, redis: 1 }), echo])?.met).toBe(false);
  });

  it('is neither met nor missed when one side was not measured', () => {
    expect(target('1', [subject('issue', 1, { api: 14, redis: 1 })])).toMatchObject({
      ratio: null,
      met: null,
    });
    expect(target('10', [])).toMatchObject({ ratio: null, met: null });
  });

  it('takes the dearer of the two refusals', () => {
    const subjects = [
      subject('issue', 1, { api: 9, redis: 1 }),
      subject('sold-out', 1, { api: 5, redis: 1 }),
      subject('already-issued', 1, { api: 8, redis: 1 }),
    ];
    expect(target('11', subjects)?.ratio).toBeCloseTo(0.9);
  });

  it('counts API and Redis together where the number of coupons or campaigns grows', () => {
    const subjects = [
      subject('issue-10k', 1, { api: 30, redis: 10 }),
      subject('issue-1m', 1, { api: 30, redis: 20 }),
    ];
    expect(target('9a', subjects)).toMatchObject({ ratio: 1.25, met: false });
  });

  it('wants bytes below the limit as they are', () => {
    expect(target('10', [], { bytesPerCoupon: 112 })).toMatchObject({ ratio: 112, met: true });
  });
});
