import type { Issued } from '../coupon/types.js';
import { MalformedEntryError, parseIssuedEntry } from '../redis/issued-entry.js';
import type { DeadLetterCause, DeadRow } from './dead-letters.js';
import type { StreamEntry } from './entry-streams.js';
import type { IsolatedResult } from './persist-isolating.js';

/** Entries that are written and settled together. */
export interface DrainBatch {
  entries: StreamEntry[];
  rows: Issued[];
  /** Entries that are none of ours, with what is wrong with them. */
  malformed: { entry: StreamEntry; detail: string }[];
}

/**
 * Cuts what was read into batches of at most `rowsMax` rows. An entry is never cut, so one that is larger makes a batch of
 * its own. Lazy: only the batch in hand is expanded.
 */
export function* toBatches(entries: readonly StreamEntry[], rowsMax: number): Generator<DrainBatch> {
  let batch: DrainBatch = { entries: [], rows: [], malformed: [] };
  for (const entry of entries) {
    const rows = parse(entry, batch);
    if (batch.rows.length > 0 && batch.rows.length + rows.length > rowsMax) {
      yield batch;
      batch = { entries: [], rows: [], malformed: [] };
    }
    if (rows.length > 0) batch.entries.push(entry);
    for (const row of rows) batch.rows.push(row);
  }
  if (batch.entries.length + batch.malformed.length > 0) yield batch;
}

function parse(entry: StreamEntry, batch: DrainBatch): Issued[] {
  try {
    return parseIssuedEntry(entry.fields);
  } catch (err) {
    if (!(err instanceof MalformedEntryError)) throw err;
    batch.malformed.push({ entry, detail: err.message });
    return [];
  }
}

const keyOf = (row: Issued): string => `${row.couponId} ${row.rank} ${row.userId}`;

/** Which entries of a batch hold a row that could not be written, and what their dead letters say. */
export function findFailedEntries(
  batch: DrainBatch,
  result: IsolatedResult,
): Map<StreamEntry, DeadLetterCause> {
  const failed = new Map<StreamEntry, DeadLetterCause>();
  for (const { entry, detail } of batch.malformed)
    failed.set(entry, { reason: 'malformed', detail, rows: [] });
  const deadRows = new Map<string, DeadRow>();
  for (const { issued, reason, existing } of result.contradictions) {
    deadRows.set(keyOf(issued), { userId: issued.userId, rank: issued.rank, reason, existing });
  }
  for (const { issued, reason } of result.refusals) {
    deadRows.set(keyOf(issued), { userId: issued.userId, rank: issued.rank, reason });
  }
  if (deadRows.size === 0) return failed;
  for (const entry of batch.entries) {
    const rows = parseIssuedEntry(entry.fields).flatMap((row) => deadRows.get(keyOf(row)) ?? []);
    if (rows.length === 0) continue;
    const contradicts = rows.some((row) => row.existing !== undefined);
    failed.set(entry, {
      reason: contradicts ? 'contradiction' : 'refused',
      detail: `${rows.length} row(s) could not be written, the first: ${rows[0]!.reason}`,
      rows,
    });
  }
  return failed;
}
