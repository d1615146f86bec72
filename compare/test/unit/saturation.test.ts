import { describe, expect, it } from '@jest/globals';
import { Random } from '../../../common/random.js';
import type { Attempt } from '../../../loadtest/client-log.js';
import { reasonToEnd } from '../../compare.js';
import { medianInterval, relativeWidth } from '../../interval.js';
import { issuedPerSecond, spanOf } from '../../measure-run.js';
import { sayVerdict } from '../../report/verdict.js';
import { summarise } from '../../summarise.js';
import type { StoredComparison } from '../../types.js';
import { unsaturatedReasons } from '../../validity.js';
import { sampleComparison, sampleRun } from '../support/sample-comparison.js';

/** Nearly normal: mean 0, standard deviation 1. */
const draw = (random: Random): number =>
  Array.from({ length: 12 }, () => random.next()).reduce((sum, value) => sum + value, -6);

describe('the interval of a median', () => {
  const noisy = (random: Random, count: number) =>
    Array.from({ length: count }, () => 4 + 0.3 * draw(random));

  it('holds the true value in about 95 of 100 comparisons', () => {
    const random = new Random(7);
    const held = Array.from({ length: 300 }, () => medianInterval(noisy(random, 15))!).filter(
      ({ low, high }) => low <= 4 && 4 <= high,
    );
    expect(held.length / 300).toBeGreaterThan(0.9);
    expect(held.length / 300).toBeLessThan(0.99);
  });

  it('is narrower the more values there are, and the same for the same values', () => {
    const [few, many] = [noisy(new Random(1), 8), noisy(new Random(1), 80)];
    expect(relativeWidth(medianInterval(many)!, 4)).toBeLessThan(relativeWidth(medianInterval(few)!, 4) / 2);
    expect(medianInterval(few)).toEqual(medianInterval([...few]));
  });

  it('is none of too few values', () => {
    expect(medianInterval([4, 4, 4, 4])).toBeNull();
    expect(medianInterval([4, 4, 4, 4, 4])).toEqual({ low: 4, high: 4 });
  });
});

/** Blocks whose rates are these times the replicas, the same drift for all counts of a block. */
const saturated = (
  blocks: number,
  factor: (replicas: number, round: number) => number,
  changes: Partial<StoredComparison['comparison']> = {},
) =>
  sampleComparison({ scenario: 'saturate', rounds: blocks, ...changes }, (run) => ({
    ...run,
    scenario: 'saturate',
    tps: 100 * run.replicas * factor(run.replicas, run.round),
  }));

describe('the speed-up', () => {
  it('is formed within a block, so that a machine that gets slower takes nothing from it', () => {
    const [, two, four] = summarise(saturated(12, (_, round) => 1 / round)).byReplicas;
    expect(two).toMatchObject({ speedup: 2, efficiency: 1 });
    expect(four!.interval).toEqual({ speedup: { low: 4, high: 4 }, efficiency: { low: 1, high: 1 } });
  });

  it('has no interval from fewer than five blocks, nor of the count that the others are measured by', () => {
    expect(summarise(saturated(4, () => 1)).byReplicas[2]).toMatchObject({ speedup: 4, interval: null });
    expect(summarise(saturated(5, () => 1)).byReplicas.map(({ interval }) => interval === null)).toEqual([
      ...[true, false, false],
    ]);
  });

  it('leaves out a block in which either of the two does not count', () => {
    const stored = saturated(6, (replicas, round) => (replicas === 4 && round < 3 ? 9 : 1));
    const runs = stored.runs.map((run) =>
      run.replicas === 1 && run.round < 3 ? { ...run, invalid: ['robbed'] } : run,
    );
    expect(summarise({ ...stored, runs }).byReplicas[2]).toMatchObject({ speedup: 4, interval: null });
  });
});

describe('a comparison of saturation', () => {
  const noise = (amount: number) => {
    const random = new Random(3);
    return () => 1 + amount * draw(random);
  };
  const report = (blocks: number, amount: number) =>
    summarise(saturated(blocks, noise(amount), { rounds: 60 }));
  const cut = (blocks: number, amount: number) => {
    const stored = saturated(blocks, noise(amount));
    return summarise({ ...stored, comparison: { ...stored.comparison, rounds: 60 } });
  };

  it('ends when every interval is narrow, and not before ten blocks', () => {
    expect(reasonToEnd(cut(10, 0.02), 0)).toBe('narrow');
    expect(reasonToEnd(cut(9, 0.02), 0)).toBeNull();
    expect(reasonToEnd(cut(12, 0.3), 0)).toBeNull();
  });

  it('ends when its time is up', () => {
    expect(reasonToEnd(cut(12, 0.3), 10 * 60_000)).toBe('time');
    expect(reasonToEnd(summarise(sampleComparison()), 10 * 60_000)).toBeNull();
  });

  it('planned no more blocks than it has when it ended early', () => {
    expect(report(3, 0).progress).toEqual({ planned: 180, done: 180 });
    const stored = saturated(12, () => 1);
    const ended = { ...stored, comparison: { ...stored.comparison, rounds: 60, ended: 'narrow' as const } };
    expect(summarise(ended).progress).toEqual({ planned: 36, done: 36 });
  });
});

describe('a slice', () => {
  const { cpu, answers } = sampleRun(2, 1);
  const api = (leastUtilisation: number) =>
    cpu.map((use) => (use.component === 'api' ? { ...use, leastUtilisation } : use));
  const good = { cpu: api(0.96), answers, stolen: 0.001, others: 0.03 };

  it('counts when its replicas had work all the time and nobody took their CPU', () => {
    expect(unsaturatedReasons(good)).toEqual([]);
    expect(unsaturatedReasons({ ...good, others: null })).toEqual([]);
  });

  it.each([
    ['a replica had too little to do', { cpu: api(0.7) }, 'not saturated: a replica used 70 % of its CPU'],
    ['the host served other guests', { stolen: 0.05 }, 'robbed: the host took 5 % of the CPU'],
    ['other programs ran', { others: 0.12 }, 'robbed: other programs used 12 % of the CPU'],
    [
      'the stock ran out',
      { answers: { ...answers, soldOut: 40 } },
      '40 of 3040 requests were not issued a coupon',
    ],
  ])('does not when %s', (_, changes, reason) => {
    expect(unsaturatedReasons({ ...good, ...changes })).toEqual([reason]);
  });

  const attempt = (sentMs: number, durationMs: number, status = 200): Attempt => ({
    ...{ userId: '1', key: null, sentMs },
    answer: { status, rank: 1, durationMs, errorCode: 0, replayed: false, code: null },
  });

  it('is measured from a second after its first request to its last request, by coupons and not by answers', () => {
    const attempts = [
      attempt(10_000, 100),
      attempt(10_500, 600),
      attempt(11_000, 500),
      attempt(11_000, 900, 503),
      attempt(12_000, 900),
      attempt(13_000, 300),
    ];
    const span = spanOf(attempts, 'saturate');
    expect(span).toMatchObject({ busyFromMs: 11_000, busyToMs: 13_000, lastMs: 13_300 });
    expect(issuedPerSecond(attempts, span)).toBe(1.5);
  });
});

describe('the verdict', () => {
  const say = (factor: (replicas: number, round: number) => number, blocks = 12) =>
    sayVerdict(summarise(saturated(blocks, factor)));
  const between = (least: number, most: number) => (replicas: number, round: number) =>
    replicas === 1 ? 1 : round % 2 ? least : most;

  it('names a loss only when the interval leaves no other explanation', () => {
    expect(say(between(0.85, 0.92))).toBe(
      '4 replicas issued 3.54 × as much as 1 (95 % interval 3.40 – 3.68). The loss is real: between 8 % and 15 % of what 4 times one would be.',
    );
    expect(say(between(0.95, 1.03))).toMatch(
      /^4 replicas issued 3\.96 × as much as 1 \(95 % interval 3\.80 – 4\.12\)\. No loss can be told from none; one of more than 5 % is unlikely\.$/,
    );
  });

  it('does not claim that replicas help when the interval holds one', () => {
    expect(say(between(0.2, 0.9))).toContain('That more than 1 replica bring anything is not shown');
  });

  it('does not take more than the replicas can give for a gain', () => {
    expect(say(between(1.1, 1.12))).toContain('is no gain of 4 replicas');
  });

  it('says when the interval is wide, and that few rounds have none', () => {
    expect(say(between(0.7, 1))).toContain('The interval is wide (±18 %)');
    expect(say(() => 1, 3)).toBe(
      '4 replicas issued 4.00 × as much as 1, in the median of 3 rounds: too few to say how far that may be off.',
    );
  });
});
