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
