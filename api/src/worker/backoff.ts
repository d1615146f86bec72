/**
 * Exponential with full jitter in its upper half, so that several workers do not come back in step. `tries` starts at 1;
 * all times in ms.
 */
export function chooseBackoffMs(
  tries: number,
  firstMs: number,
  mostMs: number,
  random = Math.random,
): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(tries - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}
