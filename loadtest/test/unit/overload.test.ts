import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Attempt } from '../../client-log.js';
import { readPasses } from '../../overload/access-log.js';
import { missedGoals } from '../../overload/goals.js';
import { goodputRatio, measureStep, recoveryMs, type StepResult } from '../../overload/steps.js';

const window = { startMs: 10_000, endMs: 20_000 };

const attempt = (
  sentMs: number,
  status: number,
  durationMs: number,
  code: string | null = null,
): Attempt => ({
  userId: `u${sentMs}`,
  key: null,
  sentMs,
  answer: { status, rank: null, durationMs, errorCode: 0, replayed: false, code },
});
const refused = (sentMs: number, durationMs: number) => attempt(sentMs, 503, durationMs, 'overloaded');
const every = (stepMs: number, make: (sentMs: number) => Attempt): Attempt[] =>
  Array.from({ length: 10_000 / stepMs }, (_, i) => make(10_000 + i * stepMs));

describe('a step of the overload test', () => {
  it('counts what was due in it, and as goodput what came in it', () => {
    const late = attempt(9_000, 200, 1_500);
    const tooLate = attempt(19_999, 200, 2);
    const step = measureStep([late, tooLate, attempt(12_000, 200, 10), refused(13_000, 3)], window, 2);
    expect(step).toMatchObject({
      offered: 0.3,
      goodput: 0.2,
      ok: 2,
      refused: 1,
      okP50Ms: 2,
      refusedP99Ms: 3,
    });
  });

  it('keeps refusals apart from other answers, and from none', () => {
    const broken = attempt(12_000, 0, 5);
    const others = [attempt(12_001, 503, 1, 'unavailable'), broken, { ...broken, answer: null }];
    expect(measureStep([...others, refused(12_002, 1)], window, 2)).toMatchObject({
      refused: 1,
      other: { '503 unavailable': 1, '0': 1, unanswered: 1 },
    });
  });

  it('tells what came before overload was found from the rest', () => {
    const step = measureStep([refused(10_500, 4_000), refused(15_499, 900), refused(15_500, 3)], window, 2);
    expect([step.refusedP99Ms, step.settled.refusedP99Ms]).toEqual([4_000, 3]);
  });
});

describe('the verdict of the overload test', () => {
  const step = (factor: number, goodput: number, own: Partial<StepResult> = {}) => ({
    ...measureStep([], window, factor),
    goodput,
    generatorBehindMs: 0,
    ...own,
  });

  it('compares the least goodput of an overloaded step with that at capacity', () => {
    expect(goodputRatio([step(0.5, 50), step(1, 100), step(2, 99), step(10, 85), step(0.5, 50)])).toBe(0.85);
  });

  it('takes recovery from the moment on from which every call is answered quickly for a second', () => {
    const slowUntil = (endMs: number) => every(10, (ms) => attempt(ms, 200, ms < endMs ? 400 : 10));
    expect(recoveryMs(slowUntil(11_250), window, 50)).toBe(1_300);
    const refusedLater = every(10, (ms) => (ms === 10_550 ? refused(ms, 1) : attempt(ms, 200, 10)));
    expect(recoveryMs(refusedLater, window, 50)).toBe(600);
    expect(
      recoveryMs(
        every(10, (ms) => attempt(ms, 200, 400)),
        window,
        50,
      ),
    ).toBeNull();
  });

  it('names every goal that is missed, and none that is reached', () => {
    const good = [
      step(1, 100),
      step(10, 100, { okP99Ms: 1_000, settled: { okP99Ms: 9, refusedP99Ms: 200 } }),
    ];
    expect(missedGoals({ steps: good, goodputRatio: 0.9, recoveryMs: 2_000 })).toEqual([]);
    const bad = [
      step(10, 1, {
        okP99Ms: 1_001,
        settled: { okP99Ms: 9, refusedP99Ms: 201 },
        other: { '503 unavailable': 7 },
      }),
    ];
    const missed = missedGoals({ steps: bad, goodputRatio: 0.89, recoveryMs: null });
    expect(missed).toHaveLength(5);
    expect(missed.join()).toContain('7 calls at 10 × ended with 503 unavailable');
  });
});

describe('the access log', () => {
  it('tells who refused, and how often a call was sent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'access-log-'));
    const line = (status: number, upstream: string, coupon = 7) =>
      JSON.stringify({ status, upstream, uri: `/api/v1/coupons/call/${coupon}` });
    const lines = [
      line(200, '127.0.0.1:1'),
      line(200, '127.0.0.1:1, 127.0.0.1:2'),
      line(503, 'api_bounded'),
      // Refused by a replica, whose refusal left a note: nginx asked its own ops door for it.
      line(503, 'api_bounded : 127.0.0.1:2 : 127.0.0.1:9'),
      line(200, '127.0.0.1:1', 8),
    ];
    writeFileSync(join(folder, 'log'), `${lines.join('\n')}\n`);
    expect(await readPasses(join(folder, 'log'), 7, '127.0.0.1:9')).toEqual({
      calls: 4,
      refusedByNginx: 1,
      refusedByReplicas: 1,
      askedReplicas: { 0: 1, 1: 2, 2: 1 },
    });
    rmSync(folder, { recursive: true });
  });
});
