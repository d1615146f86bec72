import { roundTo } from '../../common/format.js';
import { summariseLatency, type Latency } from '../../common/statistics.js';
import type { Attempt } from '../client-log.js';

/** What one step asked for and what came of it. Latencies from the moment a call was due, in ms. */
export interface StepResult {
  /** Of the measured capacity. */
  factor: number;
  /** Calls a second that were due. */
  offered: number;
  /** 200s a second that came within the step. */
  goodput: number;
  ok: number;
  /** 503 `overloaded`. */
  refused: number;
  /** Every other answer, and none. */
  other: Record<string, number>;
  okP50Ms: number | null;
  okP95Ms: number | null;
  okP99Ms: number | null;
  refusedP50Ms: number | null;
  refusedP95Ms: number | null;
  refusedP99Ms: number | null;
  /** Of calls sent `SETTLE_MS` after overload was found, which the first answered refusal tells. */
  settled: { okP99Ms: number | null; refusedP99Ms: number | null };
}

export interface Window {
  startMs: number;
  endMs: number;
}

/** For the other replicas to find it too. */
const SETTLE_MS = 1_000;
const BIN_MS = 100;
/** So long must all be well before it counts as recovered. */
const CALM_BINS = 10;

const isOk = ({ answer }: Attempt): boolean => answer?.status === 200;
const isRefused = ({ answer }: Attempt): boolean => answer?.code === 'overloaded';
const answeredMs = ({ sentMs, answer }: Attempt): number => sentMs + (answer?.durationMs ?? Infinity);
const isWithin = (timeMs: number, { startMs, endMs }: Window): boolean => timeMs >= startMs && timeMs < endMs;
const perSecond = (count: number, { startMs, endMs }: Window): number =>
  roundTo((count * 1_000) / (endMs - startMs), 1);

function latency(attempts: readonly Attempt[]): Latency {
  return summariseLatency(attempts.map(({ answer }) => answer!.durationMs));
}

/** 200s a second that came within the window. */
export const goodputOf = (attempts: readonly Attempt[], window: Window): number =>
  perSecond(
    attempts.filter((attempt) => isOk(attempt) && isWithin(answeredMs(attempt), window)).length,
    window,
  );

/** `attempts`: of the whole run; those due within the window are the step's. */
export function measureStep(attempts: readonly Attempt[], window: Window, factor: number): StepResult {
  const own = attempts.filter(({ sentMs }) => isWithin(sentMs, window));
  const ok = own.filter(isOk);
  const refused = own.filter(isRefused);
  const foundMs = refused.reduce((least, attempt) => Math.min(least, answeredMs(attempt)), Infinity);
  const settled = own.filter(({ sentMs }) => sentMs >= foundMs + SETTLE_MS);
  const other: Record<string, number> = {};
  for (const attempt of own) {
    if (isOk(attempt) || isRefused(attempt)) continue;
    const { answer } = attempt;
    const kind = answer === null ? 'unanswered' : `${answer.status} ${answer.code ?? ''}`.trim();
    other[kind] = (other[kind] ?? 0) + 1;
  }
  const [okMs, refusedMs] = [latency(ok), latency(refused)];
  return {
    factor,
    offered: perSecond(own.length, window),
    goodput: goodputOf(attempts, window),
    ok: ok.length,
    refused: refused.length,
    other,
    okP50Ms: okMs.p50,
    okP95Ms: okMs.p95,
    okP99Ms: okMs.p99,
    refusedP50Ms: refusedMs.p50,
    refusedP95Ms: refusedMs.p95,
    refusedP99Ms: refusedMs.p99,
    settled: {
      okP99Ms: latency(settled.filter(isOk)).p99,
      refusedP99Ms: latency(settled.filter(isRefused)).p99,
    },
  };
}

/** Least goodput of the steps at twice the capacity and more, as a share of that at the capacity. */
export function goodputRatio(steps: readonly StepResult[]): number {
  const atCapacity = steps.find(({ factor }) => factor === 1)!.goodput;
  const least = Math.min(...steps.filter(({ factor }) => factor >= 2).map(({ goodput }) => goodput));
  return roundTo(least / atCapacity, 3);
}

/**
 * Time from the window's start to the moment from which all is well for a second: every call of a tenth of a second is
 * answered with 200, and 95 of 100 within `normalMs`. Null: that did not happen in the window.
 */
export function recoveryMs(attempts: readonly Attempt[], window: Window, normalMs: number): number | null {
  const bins: Attempt[][] = Array.from(
    { length: Math.floor((window.endMs - window.startMs) / BIN_MS) },
    () => [],
  );
  for (const attempt of attempts) bins[Math.floor((attempt.sentMs - window.startMs) / BIN_MS)]?.push(attempt);
  const isWell = bins.map((bin) => bin.every(isOk) && (latency(bin).p95 ?? 0) <= normalMs);
  const from = isWell.findIndex(
    (_, i) => i + CALM_BINS <= isWell.length && isWell.slice(i, i + CALM_BINS).every(Boolean),
  );
  return from === -1 ? null : from * BIN_MS;
}
