import { isScaling, type Report, type ReplicaSummary } from '../summarise.js';
import { duration, percent, replicas, spread } from './format.js';
import type { Cell, Table } from './tables.js';

/** With fewer, least and most say nothing about the noise: of one round they are the same. */
const LEAST_ROUNDS = 3;

/** What is compared: the rate of arrivals is set and no result, so of them the wait is. */
type Measure = 'tps' | 'p95Ms';

export interface Change {
  readonly replicas: number;
  readonly before: ReplicaSummary;
  readonly after: ReplicaSummary;
  /** After ÷ before − 1, of the medians; null when one of them has none. */
  readonly change: number | null;
  /** Each side has rounds enough to know its noise. */
  readonly isTellable: boolean;
  /** The spreads do not overlap: more than the noise of these runs. Never without `isTellable`. */
  readonly isClear: boolean;
}

const measureOf = (before: Report, after: Report): Measure =>
  isScaling(before) && isScaling(after) ? 'tps' : 'p95Ms';

/** Counts that both comparisons measured. */
export function changesOf(before: Report, after: Report): Change[] {
  const measure = measureOf(before, after);
  return after.byReplicas.flatMap((entry) => {
    const earlier = before.byReplicas.find((other) => other.replicas === entry.replicas);
    if (!earlier) return [];
    const [old, now] = [earlier[measure], entry[measure]];
    const isTellable = earlier.valid >= LEAST_ROUNDS && entry.valid >= LEAST_ROUNDS;
    return [
      {
        replicas: entry.replicas,
        before: earlier,
        after: entry,
        change: old && now && old.median > 0 ? now.median / old.median - 1 : null,
        isTellable,
        isClear: Boolean(isTellable && old && now && (now.min > old.max || now.max < old.min)),
      },
    ];
  });
}

const signed = (share: number): string => `${share >= 0 ? '+' : '−'}${percent(Math.abs(share), 1)}`;

function changeCell({ change, isTellable, isClear }: Change, measure: Measure): Cell {
  if (change === null) return { text: '–' };
  if (!isTellable) return { text: `${signed(change)} (too few rounds to tell)` };
  if (!isClear) return { text: `${signed(change)} (within the spread)` };
  return { text: signed(change), tone: (measure === 'tps') === change > 0 ? 'good' : 'bad' };
}

export function changesTable(before: Report, after: Report): Table {
  const measure = measureOf(before, after);
  return {
    title: `What changed since ${before.id}`,
    head: [
      'replicas',
      'issued/s before',
      'issued/s now',
      measure === 'tps' ? 'change' : 'change of p95',
      'p95 before',
      'p95 now',
      'efficiency before',
      'efficiency now',
    ],
    rows: changesOf(before, after).map((change) => ({
      cells: [
        { text: String(change.replicas) },
        { text: spread(change.before.tps) },
        { text: spread(change.after.tps) },
        changeCell(change, measure),
        { text: duration(change.before.latencyMs?.p95 ?? null) },
        { text: duration(change.after.latencyMs?.p95 ?? null) },
        { text: percent(change.before.efficiency) },
        { text: percent(change.after.efficiency) },
      ],
    })),
  };
}

/** Differences of the conditions, without which the figures mean nothing. */
function conditions(before: Report, after: Report): string[] {
  const [old, now] = [before.comparison, after.comparison];
  const pairs: [string, unknown, unknown][] = [
    ['the scenario', old.scenario, now.scenario],
    ['the number of users', old.users, now.users],
    ['the stock', old.stock, now.stock],
    ['the rate asked for', old.rate, now.rate],
    ['the number of rounds', old.rounds, now.rounds],
    ['the cap of a replica', old.apiCpus.cpus, now.apiCpus.cpus],
    ['the mode', old.mode, now.mode],
    ['the number of CPUs', old.environment.cpus, now.environment.cpus],
    ['Redis', old.environment.redis, now.environment.redis],
    ['the database', old.environment.database, now.environment.database],
    ['nginx', old.environment.nginx, now.environment.nginx],
    ['Node', old.environment.node, now.environment.node],
    ['k6', old.environment.k6, now.environment.k6],
  ];
  return pairs
    .filter(([, a, b]) => a !== b)
    .map(([what, a, b]) => `${what} (${a ?? 'none'} → ${b ?? 'none'})`);
}

function sayChanges(before: Report, after: Report): string[] {
  const changes = changesOf(before, after);
  const what = measureOf(before, after) === 'tps' ? '' : ' in p95';
  const clear = changes.filter(({ isClear }) => isClear);
  const untellable = changes.filter(({ isTellable }) => !isTellable);
  const named = clear.map(({ replicas: count, change }) => `${replicas(count)} ${signed(change ?? 0)}`);
  const sentences: string[] = [];
  if (clear.length > 0)
    sentences.push(`Clearly different${what}, beyond the spread of the rounds: ${named.join(', ')}.`);
  else if (untellable.length < changes.length)
    sentences.push(`No replica count changed${what} by more than the spread of its rounds.`);
  if (untellable.length > 0)
    sentences.push(
      `Too few rounds to tell at ${untellable.map(({ replicas: count }) => replicas(count)).join(', ')}: at least ${LEAST_ROUNDS} valid ones are needed before and now.`,
    );
  return sentences;
}

export function inWordsChanges(before: Report, after: Report): string[] {
  const differing = conditions(before, after);
  return [
    `Code before: ${before.comparison.code}; now: ${after.comparison.code}.`,
    ...(measureOf(before, after) === 'tps'
      ? []
      : ['The rate of arrivals is set, so the waits (p95) are compared: lower is better.']),
    ...sayChanges(before, after),
    ...(differing.length > 0
      ? [`Not the same conditions, so read the change with care: ${differing.join(', ')}.`]
      : []),
  ];
}
