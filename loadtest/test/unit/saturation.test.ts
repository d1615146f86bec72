import { describe, expect, it } from '@jest/globals';
import type { Attempt } from '../../client-log.js';
import { type Generator, requireOneRun } from '../../generator.js';
import { describeSaturation, readFigures, type GeneratorFigures } from '../../saturation.js';
import { plan } from '../../scenarios.js';

const START = 1_000_000;

const told200 = (userId: string, sentMs: number, durationMs: number): Attempt => ({
  userId,
  key: null,
  sentMs,
  answer: { status: 200, rank: 1, durationMs, errorCode: 0, replayed: false, code: null },
});

const generator = (change: Partial<Generator> = {}): Generator => ({
  plan: plan('peak', { users: 6 }, 20_000, 3),
  testid: 'peak-1',
  couponId: 1,
  url: 'http://127.0.0.1:8080',
  startAtMs: START,
  segment: { index: 1, of: 3 },
  host: 'a',
  cpus: 2,
  k6: '2.2.0',
  k6Faults: [],
  dropped: 0,
  samples: [],
  attempts: [told200('1', START + 5, 995), told200('2', START + 400, 1_600)],
  ...change,
});

describe('the figures of a generator', () => {
  it('count from the common start', () => {
    expect(readFigures(generator(), [])).toMatchObject({
      segment: '1/3',
      users: 2,
      startedLateMs: 5,
      lastSentMs: 400,
    });
  });

  it('count from its own first request when it began by itself', () => {
    expect(readFigures(generator({ startAtMs: null }), [])).toMatchObject({
      startedLateMs: null,
      lastSentMs: 395,
    });
  });

  it('take CPU and throttling between its first request and its last answer only', () => {
    const at = (ms: number, cpuSeconds: number, throttledSeconds: number) => ({
      atMs: START + ms,
      cpuSeconds,
      throttledSeconds,
    });
    const samples = [
      at(-9_000, 0, 0),
      at(0, 20, 7),
      at(1_000, 21, 7.2),
      at(2_000, 23, 7.5),
      at(8_000, 23, 9),
    ];
    const { cpuShare, throttledShare } = readFigures(generator({ samples }), []);
    expect(cpuShare).toBe(0.75);
    expect(throttledShare).toBe(0.25);
  });

  it('say that nothing is known of its CPU when its process could not be seen', () => {
    expect(readFigures(generator(), [])).toMatchObject({ cpuShare: null, throttledShare: null });
  });

  it('bound its clock by what Redis issued between request and answer', () => {
    const holding = (userId: string, issuedAtMs: number) => ({ userId, rank: 1, issuedAtMs });
    const mysql = [holding('1', START - 600), holding('2', START - 500), holding('other', 1)];
    expect(readFigures(generator(), mysql).clockAheadMs).toEqual({ atLeast: 900, atMost: 1_600 });
    expect(readFigures(generator(), [holding('other', 1)]).clockAheadMs).toBeNull();
  });
});

describe('generators make a run invalid', () => {
  const fine: GeneratorFigures = {
    segment: '1/2',
    host: 'a',
    users: 5_000,
    startedLateMs: 4,
    lastSentMs: 2_000,
    cpus: 2,
    cpuShare: 0.4,
    throttledShare: 0.01,
    dropped: 0,
    clockAheadMs: { atLeast: -20, atMost: 30 },
  };
  const burst = { makespanMs: 4_000, isOpenModel: false };
  const verdict = (change: Partial<GeneratorFigures>, run = burst) =>
    describeSaturation([{ ...fine, ...change }], run);

  it('not when they had room left', () => {
    expect(verdict({})).toEqual([]);
    expect(
      verdict({ cpuShare: null, throttledShare: null, startedLateMs: null, clockAheadMs: null }),
    ).toEqual([]);
  });

  it.each<[string, Partial<GeneratorFigures>, RegExp]>([
    ['a quota held one back', { throttledShare: 0.06 }, /1\/2 .* CPU quota held it back for 6 %/],
    ['one dropped iterations', { dropped: 3 }, /dropped 3 iterations/],
    ['one began late', { startedLateMs: 1_001 }, /began 1001 ms after the common start/],
    ['the last user waited for its generator', { lastSentMs: 3_001 }, /pressed after 3001 of 4000 ms/],
    ['a clock is ahead', { clockAheadMs: { atLeast: 101, atMost: 150 } }, /101 ms or more ahead of Redis/],
    ['a clock is behind', { clockAheadMs: { atLeast: -300, atMost: -120 } }, /120 ms or more behind Redis/],
    ['one used up its CPUs', { cpuShare: 0.91 }, /1\/2 .* used 91 % of the CPUs/],
  ])('when %s', (_, change, words) => {
    expect(verdict(change)).toEqual([expect.stringMatching(words)]);
  });

  it('when several together used up the CPUs of one host', () => {
    const three = ['a', 'a', 'b'].map((host) => ({ ...fine, host, cpuShare: 0.46 }));
    expect(describeSaturation(three, burst)).toEqual([expect.stringMatching(/on a .* used 92 %/)]);
    expect(describeSaturation(three.slice(1), burst)).toEqual([]);
    const oneIsCapped = [three[0]!, { ...three[1]!, cpus: 0.4, cpuShare: 0.8 }];
    expect(describeSaturation(oneIsCapped, burst)).toEqual([]);
  });

  it('not by arrivals that are spread over time by plan, nor by a burst that is over at once or had no common start', () => {
    expect(verdict({ lastSentMs: 3_900, startedLateMs: null })).toEqual([]);
    expect(verdict({ lastSentMs: 3_900 }, { ...burst, isOpenModel: true })).toEqual([]);
    expect(verdict({ lastSentMs: 900 }, { ...burst, makespanMs: 950 })).toEqual([]);
  });
});

describe('generators to merge', () => {
  const parts = [1, 2, 3].map((index) => generator({ segment: { index, of: 3 } }));

  it('are all parts of one run, in any order', () => {
    expect(() => requireOneRun(parts.toReversed())).not.toThrow();
  });

  it.each<[string, Generator[], RegExp]>([
    ['none', [], /no generators/],
    ['one is missing', parts.slice(1), /missing: 1\/3/],
    ['one is there twice', [...parts, parts[1]!], /there twice.*: 2\/3/],
    [
      'one is of another number',
      [...parts, generator({ segment: { index: 1, of: 2 } })],
      /another number.*: 1\/2/,
    ],
    ['one had another start', [...parts.slice(1), generator({ startAtMs: START + 1 })], /different runs/],
    ['one had another campaign', [...parts.slice(1), generator({ couponId: 2 })], /different runs/],
    [
      'one had other sizes',
      [...parts.slice(1), generator({ plan: plan('peak', { users: 7 }, 20_000) })],
      /different runs/,
    ],
  ])('are refused when %s', (_, records, words) => {
    expect(() => requireOneRun(records)).toThrow(words);
  });
});
