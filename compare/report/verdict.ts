import { relativeWidth } from '../interval.js';
import { isScaling, type ReplicaSummary, type Report } from '../summarise.js';
import { interval, number, percent, replicas, times } from './format.js';

/** From ±10 % on the reader is told that the machine, and not the service, says so little. */
const WIDE = 0.1;

const measured = ({ byReplicas }: Report): ReplicaSummary[] => byReplicas.filter(({ tps }) => tps !== null);

/** What the interval allows to say of the replicas that came on top of `base`, and nothing beyond it. */
function judge({ replicas: count, speedup, interval: bounds }: ReplicaSummary, base: number): string {
  if (!speedup || !bounds) return '';
  const { low, high } = bounds.efficiency;
  if (bounds.speedup.low <= base)
    return `That more than ${replicas(base)} bring anything is not shown: the interval holds ${base} too.`;
  if (low > 1)
    return `More than ${count} times is no gain of ${replicas(count)}: what they are measured by came out too low, so measure again.`;
  if (high < 1)
    return `The loss is real: between ${percent(1 - high)} and ${percent(1 - low)} of what ${count} times one would be.`;
  return `No loss can be told from none; one of more than ${percent(1 - low)} is unlikely.`;
}

function sayWidth({ comparison }: Report, { speedup, interval: bounds }: ReplicaSummary): string {
  if (!speedup || !bounds) return '';
  const width = relativeWidth(bounds.speedup, speedup);
  if (width > WIDE)
    return `The interval is wide (±${percent(width)}): this machine was not quiet, or the time too short.`;
  return comparison.ended === 'time' ? `Time was up at ±${percent(width)}.` : '';
}

/** The answer to the question that the comparison asks, in its first sentence. */
export function sayVerdict(report: Report): string {
  const [first, last] = [measured(report)[0], measured(report).at(-1)];
  if (!first || !last) return 'No run was valid, so there is nothing to compare.';
  if (!isScaling(report))
    return `Users arrived at ${number(report.comparison.rate ?? 0)} a second, whatever the replicas: only the time to an answer can differ.`;
  if (first === last)
    return `${replicas(first.replicas)} issued ${number(first.tps!.median)} coupons a second.`;
  const gain = `${replicas(last.replicas)} issued ${times(last.speedup === null ? null : last.speedup / first.replicas)} as much as ${first.replicas}`;
  if (!last.interval)
    return `${gain}, in the median of ${last.valid} rounds: too few to say how far that may be off.`;
  const { low, high } = last.interval.speedup;
  const bounds = interval({ low: low / first.replicas, high: high / first.replicas });
  return [`${gain} (95 % interval ${bounds}).`, judge(last, first.replicas), sayWidth(report, last)]
    .filter(Boolean)
    .join(' ');
}
