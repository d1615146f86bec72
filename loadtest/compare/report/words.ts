import { originalRun } from '../reference.js';
import { median } from '../statistics.js';
import { isScaling, isValid, type Report, type ReplicaSummary } from '../summarise.js';
import type { RunRecord } from '../types.js';
import { component, duration, number, percent, replicas, success, whole } from './format.js';

const measured = (report: Report): (ReplicaSummary & { tps: NonNullable<ReplicaSummary['tps']> })[] =>
  report.byReplicas.flatMap((entry) => (entry.tps ? [{ ...entry, tps: entry.tps }] : []));

function sayScaling(report: Report): string {
  const [first, ...others] = measured(report);
  if (!first) return 'No run was valid, so there is nothing to compare.';
  if (!isScaling(report))
    return `Users arrived at ${number(report.comparison.rate ?? first.tps.median)} a second, whatever the replicas: only the time to an answer can differ.`;
  const start = `${replicas(first.replicas)} issued ${number(first.tps.median)} coupons a second`;
  if (others.length === 0) return `${start}.`;
  const gains = others.map((entry) => {
    const factor = (entry.tps.median / first.tps.median).toFixed(2);
    return `${replicas(entry.replicas)} gave ${factor} times that (${number(entry.tps.median)}/s, ${percent(entry.efficiency)} of perfect scaling)`;
  });
  return `${start}; ${gains.join(', ')}.`;
}

function sayLatency(report: Report): string {
  const entries = measured(report);
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first?.latencyMs || !last?.latencyMs) return '';
  const one = `With ${replicas(first.replicas)} 95 of 100 users had their answer within ${duration(first.latencyMs.p95)}`;
  return first === last ? `${one}.` : `${one}, with ${last.replicas} within ${duration(last.latencyMs.p95)}.`;
}

function sayTruth(report: Report, runs: readonly RunRecord[]): string {
  const invalid = report.invalidRuns.length;
  const dirty = runs.filter(
    ({ audit }) => audit.lost + audit.duplicated + audit.oversold + audit.phantom > 0,
  ).length;
  const answers = dirty
    ? `In ${dirty} of ${runs.length} runs the audit found answers that Redis and MySQL do not confirm.`
    : `In none of the ${runs.length} runs was a promised coupon lost, issued twice, issued beyond the stock, or issued to someone who had not asked.`;
  if (invalid === 0) return `All runs count. ${answers}`;
  return `${invalid} of ${runs.length} runs do not count and are in no figure (the table says why). ${answers}`;
}

function saySuccess(report: Report): string {
  const worst = measured(report).reduce((least, { successRate }) => Math.min(least, successRate ?? 1), 1);
  return worst === 1
    ? 'Every user got a definite answer.'
    : `${success(worst)} of the users got a definite answer where it went worst.`;
}

function sayLimit(report: Report): string {
  const last = measured(report).at(-1);
  if (!last) return '';
  const cap = report.comparison.apiCpus.cpus;
  switch (last.saturatedFirst) {
    case 'api':
      return `At ${replicas(last.replicas)} the replicas themselves were the limit${cap === null ? '' : ` (each at its cap of ${cap} CPU)`}: more of them would still help.`;
    case 'k6':
      return `At ${replicas(last.replicas)} the load generator was the limit: the system can do more than is shown here.`;
    case null:
      return `At ${replicas(last.replicas)} nothing ran at its limit.`;
    default:
      return `At ${replicas(last.replicas)} ${component(last.saturatedFirst)} was the limit: more replicas alone would not help.`;
  }
}

/** From this share of the machine on, other programs are worth a sentence. */
const NOTICED = 0.15;

function sayOthers(report: Report, runs: readonly RunRecord[]): string {
  const last = measured(report).at(-1);
  const shares = runs.flatMap((run) =>
    run.replicas === last?.replicas && isValid(run) ? [run.othersUtilisation ?? 0] : [],
  );
  if (!last || shares.length === 0 || median(shares) < NOTICED) return '';
  return `Other programs used ${percent(median(shares))} of the machine's CPU meanwhile: a quiet one would show more.`;
}

function sayCapacity(report: Report): string {
  return report.capacity
    .map((entry) => {
      const holds =
        entry.holds === null ? 'no rate that was tried' : `${whole(entry.holds)} requests a second`;
      const breaks =
        entry.breaksAt === null ? '' : ` and broke at ${whole(entry.breaksAt)} (${entry.broke.join(', ')})`;
      return `Under a rising rate, ${replicas(entry.replicas)} held ${holds}${breaks}.`;
    })
    .join(' ');
}

function sayCap(report: Report): string {
  const { cpus, note } = report.comparison.apiCpus;
  if (cpus === null) return `The replicas had no CPU cap. ${note}`.trim();
  return `Each replica was held to ${cpus} CPU, so that on this machine the replicas are what is measured and not the load generator beside them: read the ratios, not the absolute rates. ${note}`.trim();
}

/** What a reader should take home, in sentences made from the figures. */
export function inWords(report: Report, runs: readonly RunRecord[]): string[] {
  const first = [sayScaling(report), sayLatency(report), saySuccess(report)];
  const second = [sayLimit(report), sayOthers(report, runs), sayCapacity(report), sayCap(report)];
  return [first, [sayTruth(report, runs)], second]
    .map((part) => part.filter(Boolean).join(' '))
    .filter(Boolean);
}

export const referenceInWords =
  `For orientation, the original published run: ${whole(originalRun.users)} users, ${percent(originalRun.successRate)} success, ` +
  `${originalRun.tps}/s, p95 ${duration(originalRun.p95Ms)}. ${originalRun.note}`;
