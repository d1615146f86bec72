/** @throws when there is no value */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Nearest rank: a value that was really measured.
 *
 * @param share 0…1
 * @param sorted ascending, not empty
 */
export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) throw new Error('a percentile of nothing');
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}

/** Milliseconds; null where nothing was measured (never 0, the best there is). */
export interface Latency {
  p50: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
}

/** Nearest rank. */
export function summariseLatency(durationsMs: readonly number[]): Latency {
  const sorted = [...durationsMs].sort((a, b) => a - b);
  const at = (share: number): number | null => (sorted.length > 0 ? percentile(sorted, share) : null);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** (max − min) ÷ median: how far the rounds are apart. */
  readonly spread: number;
}

/** @throws when there is no value */
export function measureSpread(values: readonly number[]): Spread {
  const middle = median(values);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { median: middle, min, max, spread: middle === 0 ? 0 : (max - min) / middle };
}
