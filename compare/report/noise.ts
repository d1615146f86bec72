import { isScaling, type Report } from '../summarise.js';
import { percent } from './format.js';

/** From here on the reader is told: a quiet machine keeps the rounds of one count within a few percent. */
const NOISY = 0.1;
/** Replicas cannot give more than their number; this much over it is no slip of rounding. */
const MORE_THAN_PERFECT = 1.05;

/** Largest distance of a valid round's TPS from its count's median, ÷ that median; 0 without any. */
function noiseOf({ byReplicas }: Report): number {
  const distances = byReplicas.flatMap(({ tps }) =>
    tps && tps.median > 0 ? [tps.max / tps.median - 1, 1 - tps.min / tps.median] : [],
  );
  return Math.max(0, ...distances);
}

/** How far the figures can be trusted; empty when there is nothing to warn of. The rate of arrivals is set, no result. */
export function sayNoise(report: Report): string {
  if (!isScaling(report)) return '';
  const noise = noiseOf(report);
  const gain = Math.max(0, ...report.byReplicas.map(({ efficiency }) => efficiency ?? 0));
  const distance = `Rounds of one count lie up to ${percent(noise)} from their median`;
  const sentences: string[] = [];
  if (noise >= NOISY)
    sentences.push(`${distance}: this machine was not quiet, and differences smaller than that are noise.`);
  if (gain > MORE_THAN_PERFECT) {
    if (noise < gain - 1)
      sentences.push(
        `More than 100 % of perfect scaling is no gain, and the spread of the rounds (${percent(noise)}) does not explain it: the count that it is measured by came out too low, so measure again.`,
      );
    else if (noise >= NOISY) sentences.push('More than 100 % of perfect scaling comes only from that noise.');
    else sentences.push(`${distance}: more than 100 % of perfect scaling comes only from that noise.`);
  }
  return sentences.join(' ');
}
