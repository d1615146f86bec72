import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot, resultsFolder } from '../../common/paths.js';
import type { Attempt } from '../../loadtest/client-log.js';
import type { Facts } from '../../loadtest/facts.js';
import { findProgram } from '../../stack/native/programs.js';
import type { OperatorOperation } from '../operator-calls.js';
import { historyEvents } from './history-events.js';

const FOLDER = join(resultsFolder('faults'), 'history');
const CHECKER = join(projectRoot, 'faults', 'checker', 'check_history.py');
const WITHIN_MS = 120_000;

export interface HistoryFiles {
  history: string;
  rows: string;
}

export interface HistoryVerdict {
  /** `skipped`: there is no Python here. */
  verdict: 'consistent' | 'violated' | 'skipped';
  /** The checker's own words. */
  said: string[];
}

export interface Recorded {
  /** Of the files. */
  name: string;
  couponId: number;
  attempts: readonly Attempt[];
  operations: readonly OperatorOperation[];
  facts: Pick<Facts, 'mysql' | 'total'>;
}

const asLines = (items: readonly object[]): string =>
  items.map((item) => `${JSON.stringify(item)}\n`).join('');

/** Writes the history and the rows of MySQL: what the checker reads, and nothing else. */
export async function writeHistory(recorded: Recorded, folder = FOLDER): Promise<HistoryFiles> {
  const { name, couponId, attempts, operations, facts } = recorded;
  const { total } = facts;
  await mkdir(folder, { recursive: true });
  const files = { history: join(folder, `${name}.history.jsonl`), rows: join(folder, `${name}.rows.jsonl`) };
  await writeFile(files.history, asLines(historyEvents(couponId, attempts, operations)));
  const rows = facts.mysql.map(({ userId, rank, issuedAtMs }) => ({
    coupon: couponId,
    user: userId,
    rank,
    issuedAt: issuedAtMs,
    total,
  }));
  await writeFile(files.rows, asLines([{ coupon: couponId, total }, ...rows]));
  return files;
}

/** Runs the independent checker. @throws when it cannot read the files: then nothing was checked */
export async function checkHistory({ history, rows }: HistoryFiles): Promise<HistoryVerdict> {
  const python = findProgram('python3');
  if (!python) return { verdict: 'skipped', said: ['python3 is not installed'] };
  const { status, output, errors } = await run(python, ['-B', CHECKER, history, rows]);
  const said = output.split('\n').filter(Boolean);
  if (status === 0) return { verdict: 'consistent', said };
  if (status === 1 && said.length > 0) return { verdict: 'violated', said };
  throw new Error(`the history could not be checked: ${errors.trim() || `status ${status}`}`);
}

function run(program: string, args: string[]): Promise<{ status: number; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: WITHIN_MS }, (_error, output, errors) =>
      resolve({ status: child.exitCode ?? -1, output, errors }),
    );
  });
}
