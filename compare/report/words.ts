import { formatNumber } from '../../common/format.js';
import { median } from '../../common/statistics.js';
import type { CapacitySummary } from '../capacity-summary.js';
import { originalRun } from '../reference.js';
import { hasAnsweredEveryone, isComplete, isValid, type Report, type ReplicaSummary } from '../summarise.js';
import type { RunRecord } from '../types.js';
import { isAuditClean } from '../validity.js';
import { component, duration, limitsWords, percent, rate, replicas, success } from './format.js';

const measured = (report: Report): (ReplicaSummary & { tps: NonNullable<ReplicaSummary['tps']> })[] =>
  report.byReplicas.flatMap((entry) => (entry.tps ? [{ ...entry, tps: entry.tps }] : []));

function sayLatency(report: Report): string {
  const entries = measured(report);
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first || !last) return '';
  const who = hasAnsweredEveryone(report) ? 'had their answer' : 'who got a definite answer had it';
  const within = ({ latencyMs }: ReplicaSummary) =>
    latencyMs?.p95 == null ? 'nobody got a definite answer' : `within ${duration(latencyMs.p95)}`;
  const one =
    first.latencyMs?.p95 == null
      ? `With ${replicas(first.replicas)} ${within(first)}`
      : `With ${replicas(first.replicas)} 95 of 100 users ${who} ${within(first)}`;
  return first === last ? `${one}.` : `${one}, with ${last.replicas} ${within(last)}.`;
}

function sayTruth(report: Report, runs: readonly RunRecord[]): string {
  if (runs.length === 0) return '';
  const dirty = runs.filter(({ audit }) => !isAuditClean(audit)).length;
  const answers = dirty
    ? `In ${dirty} of ${runs.length} runs the audit found answers that Redis and MySQL do not confirm, or entries missing in one of them (the table says which).`
    : `In none of the ${runs.length} runs was a promised coupon lost, issued twice, issued beyond the stock, or issued to someone who had not asked; nobody was refused without reason, and Redis and MySQL held the same.`;
  const invalid = report.invalidRuns.length;
  return invalid === 0
    ? `All runs count. ${answers}`
    : `${invalid} of ${runs.length} runs ${invalid === 1 ? 'does not count and is' : 'do not count and are'} in no figure (the table says why). ${answers}`;
}

function saySamples(runs: readonly RunRecord[]): string {
  const unchecked = runs.filter(({ samples }) => samples.influxdb === null).length;
  if (unchecked === 0) return '';
  return unchecked === runs.length
    ? 'Samples not checked: no InfluxDB.'
    : `Samples not checked in ${unchecked} of ${runs.length} runs: no InfluxDB.`;
}

const sayProgress = (report: Report): string =>
  isComplete(report)
    ? ''
    : `Interrupted: ${report.progress.done} of ${report.progress.planned} runs are there; the same command goes on.`;

function saySuccess(report: Report): string {
  const rates = measured(report).flatMap(({ successRate }) => successRate ?? []);
  if (rates.length === 0) return '';
  const worst = Math.min(...rates);
  return worst === 1
    ? 'Every user got a definite answer.'
    : `${success(worst)} of the users got a definite answer where it went worst.`;
}

function sayNext({ predictions }: Report): string {
  const last = predictions.at(-1);
  if (!last?.next) return '';
  const { part, utilisation } = last.next;
  return ` Besides them ${component(part)} is nearest to its limit (${percent(utilisation)}): ${replicas(2 * last.replicas)} should issue about ${rate(last.twice)}.`;
}

function sayLimit(report: Report): string {
  const last = measured(report).at(-1);
  if (!last) return '';
  const cap = report.comparison.apiCpus.cpus;
  switch (last.saturatedFirst) {
    case 'api':
      return `At ${replicas(last.replicas)} the replicas themselves were the limit${cap === null ? '' : ` (each at its cap of ${cap} CPU)`}: more of them would still help.${sayNext(report)}`;
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

function sayCapacityOf({
  replicas: count,
  holds,
  achieved,
  breaksAt,
  broke,
  invalid,
}: CapacitySummary): string {
  const least = breaksAt === null ? 'at least ' : '';
  const held =
    holds === null
      ? 'held no rate that was tried'
      : `held ${least}${formatNumber(holds)} requests a second (${rate(achieved)} answered)`;
  const breaks = breaksAt === null ? '' : ` and broke at ${formatNumber(breaksAt)} (${broke.join(', ')})`;
  const unknown =
    invalid.length === 0
      ? ''
      : `; ${invalid.map((step) => formatNumber(step.rate)).join(', ')} did not count`;
  return `${replicas(count)} ${held}${breaks}${unknown}`;
}

function sayCapacity({ capacity, capacityLimits }: Report): string {
  if (capacity.length === 0 || capacityLimits === null) return '';
  return `Under a rising rate (limits: ${limitsWords(capacityLimits)}) ${capacity.map(sayCapacityOf).join('. ')}.`;
}

function sayCap(report: Report): string {
  const { cpus, note } = report.comparison.apiCpus;
  if (cpus === null)
    return `The replicas had no CPU cap: where k6 is the limit, that hides what they can do. ${note}`.trim();
  return `Each replica was held to ${cpus} CPU, so that on this machine the replicas are what is measured and not the load generator beside them: read the ratios, not the absolute rates. ${note}`.trim();
}

/** What else a reader should take home, in sentences made from the figures; the answer itself is the verdict. */
export function inWords(report: Report, runs: readonly RunRecord[]): string[] {
  const first = [sayLatency(report), saySuccess(report)];
  const second = [sayLimit(report), sayOthers(report, runs), sayCapacity(report), sayCap(report)];
  return [[sayProgress(report)], first, [sayTruth(report, runs), saySamples(runs)], second]
    .map((part) => part.filter(Boolean).join(' '))
    .filter(Boolean);
}

export const referenceInWords =
  `For orientation, the original published run: ${formatNumber(originalRun.users)} users, ${percent(originalRun.successRate)} success, ` +
  `${originalRun.tps}/s, p95 ${duration(originalRun.p95Ms)}. ${originalRun.note}`;
