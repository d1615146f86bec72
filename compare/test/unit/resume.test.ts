import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadFor, unfinished } from '../../begin.js';
import { chooseCap } from '../../choose-cap.js';
import { planOf } from '../../context.js';
import type { CompareOptions } from '../../options.js';
import { nextRate } from '../../step-load.js';
import { ComparisonStore, storedComparisons } from '../../store.js';
import type { StepRecord, StoredComparison } from '../../types.js';
import { sampleComparison, sampleRecord, sampleRun } from '../support/sample-comparison.js';

const asked = { command: 'run', apiCpus: null, users: null, rate: null } as const;
const options: CompareOptions = {
  ...asked,
  ...{ replicas: [1, 2, 4], rounds: 3, scenario: 'peak', influx: true, fresh: false },
};
const half = (changes: Partial<StoredComparison['comparison']> = {}): StoredComparison => {
  const whole = sampleComparison({ asked, ...changes });
  return { ...whole, runs: whole.runs.slice(0, 4) };
};

const stepOf = (rate: number, changes: Partial<StepRecord> = {}): StepRecord => ({
  ...{ replicas: 2, rate, achieved: rate, p99Ms: 10, errorRate: 0, droppedIterations: 0 },
  ...{ broke: [], invalid: [], saturatedFirst: null, cpu: [] },
  ...changes,
});

describe('which comparison goes on', () => {
  it('is the newest that was asked for with the same words, on the same code', () => {
    const stored = [half({ id: 'older' }), half({ id: 'newer' }), half({ id: 'other', scenario: 'arrival' })];
    expect(unfinished(stored, options, 'native', 'abc1234')?.comparison.id).toBe('newer');
  });

  it.each([
    ['other code', half(), options, 'def5678'],
    ['unknown code', half({ code: 'unknown' }), options, 'unknown'],
    ['another cap', half(), { ...options, apiCpus: 0.05 }, 'abc1234'],
    ['other users', half(), { ...options, users: 900 }, 'abc1234'],
    ['other counts', half(), { ...options, replicas: [1, 2] }, 'abc1234'],
    ['a step load', half(), { ...options, command: 'step' as const }, 'abc1234'],
    ['a comparison that ended', sampleComparison({ asked }), options, 'abc1234'],
    ['an old file', half({ asked: undefined as never }), options, 'abc1234'],
  ])('is none after %s', (_, stored, now, code) => {
    expect(unfinished([stored], now, 'native', code)).toBeNull();
  });

  it('is one where no cap could be set too', () => {
    const uncapped = half({ apiCpus: { cpus: null, how: 'none', note: 'not root' } });
    expect(unfinished([uncapped], options, 'native', 'abc1234')).toBe(uncapped);
  });

  it('is a step load whose steps are not all there, though all its runs are', () => {
    const step = { ...options, command: 'step' as const };
    const runs = sampleComparison({ asked: { ...asked, command: 'step' } });
    const limits = { p99Ms: 1_000, errorRate: 0 };
    const broken = [1, 2, 4].map((replicas) => stepOf(50, { replicas, broke: ['p99 2 s'] }));
    const none = { ...runs, capacity: { limits, steps: broken.slice(0, 2) } };
    expect(unfinished([none], step, 'native', 'abc1234')).toBe(none);
    expect(
      unfinished([{ ...runs, capacity: { limits, steps: broken } }], step, 'native', 'abc1234'),
    ).toBeNull();
  });
});

describe('the next step of a rising rate', () => {
  it('begins with the first rate, rises while it holds, and ends when a limit breaks', () => {
    expect(nextRate([], 2, 40)).toBe(40);
    expect(nextRate([stepOf(40)], 2, 40)).toBe(50);
    expect(nextRate([stepOf(40, { replicas: 1, broke: ['p99'] })], 2, 40)).toBe(40);
    expect(nextRate([stepOf(40), stepOf(50, { broke: ['p99'] })], 2, 40)).toBeNull();
  });

  it('repeats a step that does not count once', () => {
    const off = stepOf(40, { invalid: ['the audit is not clean'] });
    expect(nextRate([off], 2, 40)).toBe(40);
    expect(nextRate([off, off], 2, 40)).toBeNull();
    expect(nextRate([off, stepOf(40)], 2, 40)).toBe(50);
  });
});

describe('the load of a comparison', () => {
  it('is what was asked for, or the numbers of its scenario', () => {
    expect(loadFor({ ...options, scenario: 'saturate' })).toEqual({ scenario: 'saturate', users: 64 });
    expect(loadFor({ ...options, scenario: 'sold-out' }).users).toBe(10_000);
    expect(loadFor({ ...options, users: 700 }).users).toBe(700);
    expect(loadFor({ ...options, scenario: 'arrival', rate: 70 }).rate).toBe(70);
  });

  it('keeps as many users in flight for each replica, whatever the count', () => {
    const load = loadFor({ ...options, scenario: 'saturate' });
    expect([1, 2, 4].map((replicas) => planOf(load, replicas).env['VUS'])).toEqual(['64', '128', '256']);
  });
});

describe('the cap of a comparison', () => {
  it('leaves the largest count a small share of the machine, of saturation alone', () => {
    const saturate: CompareOptions = { ...options, scenario: 'saturate' };
    const four = chooseCap(saturate, 2);
    expect(four).toMatchObject({ how: 'chosen' });
    expect(chooseCap(saturate, 16).cpus! / four.cpus!).toBeGreaterThan(6);
    expect(chooseCap({ ...saturate, replicas: [50] }, 2).cpus).toBe(0.01);
    expect(chooseCap(options, 2)).toMatchObject({ cpus: null, how: 'none' });
    expect(chooseCap({ ...saturate, apiCpus: 0 }, 2).cpus).toBeNull();
    expect(chooseCap({ ...options, apiCpus: 0.2 }, 2)).toMatchObject({ cpus: 0.2, how: 'given' });
  });
});

describe('the store', () => {
  it('gives back what was saved, oldest comparison first, and names what is not there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'comparisons-'));
    try {
      const later = ComparisonStore.at('a-later', folder);
      later.create({ ...sampleRecord, id: 'a-later', startedAt: '2026-11-23T00:00:00.000Z' });
      const store = ComparisonStore.at(sampleRecord.id, folder);
      store.create(sampleRecord);
      store.saveRun(sampleRun(2, 1));
      expect(store.load()).toEqual({ comparison: sampleRecord, runs: [sampleRun(2, 1)], capacity: null });
      expect(storedComparisons(folder)).toEqual([sampleRecord.id, 'a-later']);
      expect(() => ComparisonStore.at('nobody', folder).load()).toThrow(/nobody: make comparisons/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
