import { summariseLatency } from '../common/statistics.js';
import { isDefinite } from '../loadtest/answers.js';
import type { Attempt } from '../loadtest/client-log.js';
import type { CurvePoint } from './types.js';

/** Answers by the second in which they came, counted from the first request on; seconds without any are there too. */
export function curveOf(attempts: readonly Attempt[]): CurvePoint[] {
  const first = attempts.reduce((least, { sentMs }) => Math.min(least, sentMs), Infinity);
  const seconds: { issued: number; refused: number; failed: number; durations: number[] }[] = [];
  for (const { sentMs, answer } of attempts) {
    if (!answer) continue;
    const second = Math.floor((sentMs + answer.durationMs - first) / 1_000);
    while (seconds.length <= second) seconds.push({ issued: 0, refused: 0, failed: 0, durations: [] });
    const entry = seconds[second]!;
    if (!isDefinite(answer)) {
      entry.failed += 1;
      continue;
    }
    if (answer.status === 200) entry.issued += 1;
    else entry.refused += 1;
    entry.durations.push(answer.durationMs);
  }
  return seconds.map(({ issued, refused, failed, durations }, second) => {
    const { p50, p95, p99 } = summariseLatency(durations);
    return { second, issued, refused, failed, p50, p95, p99 };
  });
}
