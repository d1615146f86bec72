import { beforeEach, describe, expect, it } from '@jest/globals';
import { LoadShedder, type Decision } from '../../src/http/load-shedder.js';

const OPTIONS = { targetMs: 300, rushMax: 1_000, queueMaxMs: 4_000, pendingMax: 50_000 };
const BOUND = 100;
/** A multiple of ten seconds. */
const T0 = 1_700_000_000_000;

describe('a load shedder', () => {
  let shedder: LoadShedder;
  let nowMs: number;

  beforeEach(() => {
    shedder = new LoadShedder(OPTIONS);
    nowMs = T0;
    take(1, 0);
  });

  /** `count` requests one millisecond apart, each of which has waited `waitMs`. */
  function take(count: number, waitMs: number, bound: number | null = null): Decision[] {
    return Array.from({ length: count }, () => {
      nowMs += 1;
      const arrival = { startedMs: nowMs - waitMs, bound };
      return shedder.decide(arrival, shedder.measureWait(arrival, nowMs), nowMs, 0);
    });
  }
  const kinds = (decisions: Decision[]) => new Set(decisions.map(({ kind }) => kind));
  const refusals = (decisions: Decision[]) => decisions.filter(({ kind }) => kind !== 'serve').length;
  const told = (decisions: Decision[]) =>
    decisions.flatMap((decision) =>
      decision.kind === 'refuseAndTell' ? [decision.period - T0 / 10_000] : [],
    );
  const becomeOverloaded = () => take(OPTIONS.rushMax + 100, 1_000);

  it('serves a rush as large as the allowance, however long it waits', () => {
    expect(kinds(take(OPTIONS.rushMax, 3_900))).toEqual(new Set(['serve']));
  });

  it('refuses what goes on after the allowance and has waited too long', () => {
    becomeOverloaded();
    expect(shedder.overloaded).toBe(true);
    expect(refusals(take(500, 301))).toBe(500);
  });

  it('serves all the same what has not waited too long', () => {
    becomeOverloaded();
    expect(refusals(take(500, 299))).toBe(0);
  });

  it('gives each rush its own allowance when the queue was gone in between', () => {
    for (let rush = 0; rush < 5; rush += 1) {
      expect(refusals(take(OPTIONS.rushMax - 100, 2_000))).toBe(0);
      expect(refusals(take(500, 5))).toBe(0);
    }
  });

  it('does not wait for the end of the allowance when nginx would send the calls again', () => {
    expect(refusals(take(64, 4_001))).toBe(0);
    nowMs += 500;
    expect(refusals(take(64, 4_001))).toBe(0);
    nowMs += 500;
    expect(refusals(take(64, 4_001))).toBe(64);
  });

  it('finds a queue that is too long although the share of those who waited goes up and down', () => {
    for (let i = 0; i < 30; i += 1) take(5, 4_500).concat(take(40, 5));
    expect(shedder.overloaded).toBe(true);
  });

  it('does not take what waited while the process stood still for overload', () => {
    expect(refusals(take(500, 4_500))).toBe(0);
    expect(refusals(take(500, 5))).toBe(0);
    expect(shedder.overloaded).toBe(false);
  });

  it('is not moved by single requests that waited long', () => {
    for (let i = 0; i < 1_000; i += 1) expect(refusals([...take(1, 9_000), ...take(50, 5)])).toBe(0);
  });

  it('sees a queue of new connections although most requests come on kept ones and hardly wait', () => {
    for (let i = 0; i < 300; i += 1) take(5, 3_000).concat(take(10, 50));
    expect(shedder.overloaded).toBe(true);
  });

  it('gives the allowance again only when there was no overload for ten seconds', () => {
    becomeOverloaded();
    take(1, 5);
    nowMs += 9_000;
    expect(refusals(take(500, 1_000))).toBeGreaterThan(400);
    take(200, 5);
    nowMs += 10_001;
    expect(refusals(take(500, 1_000))).toBe(0);
    expect(shedder.overloaded).toBe(false);
  });

  it('tells nginx of the present period with the first refusal, and again for other nginx, not with each', () => {
    nowMs = T0 + 1_000;
    becomeOverloaded();
    const periods = told(take(1_000, 1_000));
    expect(new Set(periods)).toEqual(new Set([0]));
    expect(periods.length).toBeGreaterThan(5);
    expect(periods.length).toBeLessThan(15);
  });

  it('means the period that it is now, not the one in which the request came', () => {
    nowMs = T0 + 10_000;
    // These came before the period began.
    expect(told(take(OPTIONS.rushMax + 100, 3_000)).at(0)).toBe(1);
  });

  it('tells of the next period towards the end of this one', () => {
    nowMs = T0 + 6_000;
    becomeOverloaded();
    nowMs = Math.max(nowMs, T0 + 7_000);
    expect(told(take(500, 1_000))).toContain(1);
  });

  it('serves what is within the bound, but for one in a period while the bound is full', () => {
    nowMs = T0 + 1_000;
    becomeOverloaded();
    take(200, 5);
    nowMs = T0 + 10_000;
    // 1,000 requests a second that waited 90 ms each: 90 of 100 places are taken.
    const decisions = take(30_000, 90, BOUND);
    expect(told(decisions)).toEqual([1, 2, 3, 4]);
    expect(refusals(decisions)).toBe(4);
  });

  it('tells by a request that nginx still waits for, and says whether others wait behind it', () => {
    take(64, 1_000);
    nowMs = T0 + 600;
    take(1, 1_000);
    nowMs = T0 + 1_200;
    // So late that nginx has given up on them.
    expect(told(take(64, 4_900))).toEqual([]);
    expect(take(1, 50, BOUND)).toEqual([{ kind: 'refuseAndTell', period: T0 / 10_000, isStanding: true }]);
    nowMs = T0 + 2_700;
    take(10, 5, BOUND);
    nowMs = T0 + 11_000;
    // Beyond the bound nobody comes any more.
    expect(told(take(1, 50, BOUND))).toEqual([]);
  });

  it('lets overload end although nginx goes on calling within the bound, when that is not full any more', () => {
    becomeOverloaded();
    // One may have been needed to tell of the next period.
    expect(refusals(take(15_000, 20, BOUND))).toBeLessThanOrEqual(1);
    expect(shedder.overloaded).toBe(false);
  });

  it('refuses everything beyond the hard limit of attempts in hand, and only then', () => {
    const arrival = { startedMs: nowMs, bound: BOUND };
    expect(shedder.decide(arrival, 0, nowMs, OPTIONS.pendingMax - 1).kind).toBe('serve');
    expect(shedder.decide(arrival, 0, nowMs, OPTIONS.pendingMax).kind).toBe('refuse');
    expect(shedder.decide({ startedMs: null, bound: null }, 0, nowMs, OPTIONS.pendingMax).kind).toBe(
      'refuse',
    );
  });

  it('never refuses for waiting when nobody says when a request began', () => {
    becomeOverloaded();
    const arrival = { startedMs: null, bound: null };
    expect(shedder.measureWait(arrival, nowMs)).toBe(0);
    expect(shedder.decide(arrival, 0, nowMs, 0).kind).toBe('serve');
  });

  it.each([-5_000, -1, 1, 5_000])('knows waits from a clock that differs by %i ms', (skewMs) => {
    const other = new LoadShedder(OPTIONS);
    const waits = [4, 0, 700, 20].map((waitMs) => {
      nowMs += 1_000;
      return other.measureWait({ startedMs: nowMs - waitMs + skewMs, bound: null }, nowMs);
    });
    expect(waits.slice(1)).toEqual([0, 700, 20]);
  });

  it('does not take a long queue for a difference between the clocks', () => {
    becomeOverloaded();
    const decisions = take(200_000, 1_000);
    expect(refusals(decisions.slice(-1_000))).toBe(1_000);
  });

  it('follows a clock that is set', () => {
    // nginx's clock jumps back by a second: every request seems to have waited that long, until the window has moved on.
    const late = () => {
      nowMs += 1_000;
      return shedder.measureWait({ startedMs: nowMs - 1_000, bound: null }, nowMs);
    };
    expect(late()).toBe(1_000);
    for (let second = 0; second < 130; second += 1) late();
    expect(late()).toBe(0);
  });
});
