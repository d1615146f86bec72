import type { Report, ReplicaSummary } from '../summarise.js';
import { duration, percent, replicas, spread } from './format.js';
import type { Cell, Table } from './tables.js';

export interface Change {
  readonly replicas: number;
  readonly before: ReplicaSummary;
  readonly after: ReplicaSummary;
  /** TPS after ÷ TPS before − 1; null when one of them has no valid run. */
  readonly tps: number | null;
  /** The spreads do not overlap: more than the noise of these runs. */
  readonly isClear: boolean;
}

/** Counts that both comparisons measured. */
export function changesOf(before: Report, after: Report): Change[] {
  return after.byReplicas.flatMap((entry) => {
    const earlier = before.byReplicas.find((other) => other.replicas === entry.replicas);
    if (!earlier) return [];
    const [old, now] = [earlier.tps, entry.tps];
    return [
      {
        replicas: entry.replicas,
        before: earlier,
        after: entry,
        tps: old && now && old.median > 0 ? now.median / old.median - 1 : null,
        isClear: Boolean(old && now && (now.min > old.max || now.max < old.min)),
      },
    ];
  });
}

const signed = (share: number): string => `${share >= 0 ? '+' : '−'}${percent(Math.abs(share), 1)}`;

function changeCell({ tps, isClear }: Change): Cell {
  if (tps === null) return { text: '–' };
  if (!isClear) return { text: `${signed(tps)} (within the spread)` };
  return { text: signed(tps), tone: tps > 0 ? 'good' : 'bad' };
}

export function changesTable(before: Report, after: Report): Table {
  return {
    title: `What changed since ${before.id}`,
    head: [
      'replicas',
      'issued/s before',
      'issued/s now',
      'change',
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
        changeCell(change),
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

export function inWordsChanges(before: Report, after: Report): string[] {
  const clear = changesOf(before, after).filter(({ isClear }) => isClear);
  const found = clear.map(({ replicas: count, tps }) => `${replicas(count)} ${signed(tps ?? 0)}`);
  const differing = conditions(before, after);
  return [
    `Code before: ${before.comparison.code}; now: ${after.comparison.code}.`,
    found.length > 0
      ? `Clearly different, beyond the spread of the rounds: ${found.join(', ')}.`
      : 'No replica count changed by more than the spread of its rounds.',
    ...(differing.length > 0
      ? [`Not the same conditions, so read the change with care: ${differing.join(', ')}.`]
      : []),
  ];
}
