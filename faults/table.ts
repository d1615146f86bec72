import { table } from '../common/table.js';
import type { ScenarioResult } from './scenario.js';

const seconds = (ms: number | null): string => (ms === null ? 'never' : (ms / 1_000).toFixed(1));

const COLUMNS: readonly [string, (row: ScenarioResult) => string][] = [
  ['#', ({ row }) => String(row)],
  ['fault', ({ fault }) => fault],
  ['times', ({ injected }) => String(injected)],
  [
    'answers',
    ({ answers }) =>
      Object.entries(answers)
        .map(([kind, count]) => `${kind}: ${count}`)
        .join(' '),
  ],
  ['lost', ({ lost }) => String(lost)],
  ['dupl.', ({ duplicated }) => String(duplicated)],
  ['over', ({ oversold }) => String(oversold)],
  ['false no', ({ falseRejections }) => String(falseRejections)],
  ['recovery s', ({ recoveryMs }) => seconds(recoveryMs)],
  ['drained s', ({ drainedMs }) => seconds(drainedMs)],
  ['history', ({ history }) => history ?? '-'],
  ['', ({ faults }) => (faults.length === 0 ? 'ok' : 'FAILED')],
];

/** For people: one line a row. */
export function renderTable(rows: readonly ScenarioResult[]): string {
  const cells = [COLUMNS.map(([title]) => title), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))];
  return table(cells);
}
