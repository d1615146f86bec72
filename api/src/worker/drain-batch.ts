import type { DeadLetterReason, DeadRow, Issued } from '../coupon/types.js';
import {
  MalformedEntryError,
  NewerEntryError,
  parseIssuedEntry,
  type IssuedEntry,
} from '../redis/issued-entry.js';
import type { SettledEntry, StreamEntry } from '../redis/entry-streams.js';
import type { IsolatedResult } from './persist-isolating.js';

interface ParsedEntry {
  entry: StreamEntry;
  content: IssuedEntry;
}

/** Entries that are written and settled together. */
export interface DrainBatch {
  entries: ParsedEntry[];
  rows: Issued[];
  /** Entries that are none of ours, with what is wrong with them. */
  malformed: { entry: StreamEntry; detail: string }[];
  /** Entries that only a later version of the worker can read. */
  newer: StreamEntry[];
}

export interface DeadLetterCause {
  reason: DeadLetterReason;
  detail: string;
  rows: readonly DeadRow[];
}

const createBatch = (): DrainBatch => ({ entries: [], rows: [], malformed: [], newer: [] });

/**
 * Cuts what was read into batches of at most `rowsMax` rows. An entry is never cut, so one that is larger makes a batch of
 * its own. Lazy: only the batch in hand is expanded.
 */
export function* toBatches(entries: readonly StreamEntry[], rowsMax: number): Generator<DrainBatch> {
  let batch = createBatch();
  for (const entry of entries) {
    const content = parse(entry, batch);
    if (!content) continue;
    if (batch.rows.length > 0 && batch.rows.length + content.rows.length > rowsMax) {
      yield batch;
      batch = createBatch();
    }
    batch.entries.push({ entry, content });
    for (const row of content.rows) batch.rows.push(row);
  }
  if (batch.entries.length + batch.malformed.length + batch.newer.length > 0) yield batch;
}

function parse(entry: StreamEntry, batch: DrainBatch): IssuedEntry | null {
  try {
    return parseIssuedEntry(entry.fields);
  } catch (err) {
    if (err instanceof NewerEntryError) batch.newer.push(entry);
    else if (err instanceof MalformedEntryError) batch.malformed.push({ entry, detail: err.message });
    else throw err;
    return null;
  }
}

/** What settling an entry counts out of the backlog: entries of version 1 were never counted in. */
export const toSettled = ({ entry, content }: ParsedEntry): SettledEntry => ({
  ...entry,
  couponId: content.couponId,
  coupons: content.version === 1 ? 0 : content.rows.length,
});

export const toSettledUnread = ({ partition, id }: Pick<StreamEntry, 'partition' | 'id'>): SettledEntry => ({
  partition,
  id,
  couponId: 0,
  coupons: 0,
});

const formatRowKey = (row: Issued): string => `${row.couponId} ${row.rank} ${row.userId}`;

/** Which entries of a batch hold a row that could not be written, and what their dead letters say. */
export function findFailedEntries(
  batch: DrainBatch,
  result: IsolatedResult,
): { entry: StreamEntry; couponId: number | null; cause: DeadLetterCause }[] {
  const failed: { entry: StreamEntry; couponId: number | null; cause: DeadLetterCause }[] =
    batch.malformed.map(({ entry, detail }) => ({
      entry,
      couponId: null,
      cause: { reason: 'malformed', detail, rows: [] },
    }));
  const deadRows = new Map<string, DeadRow>();
  for (const { issued, reason, existing } of result.contradictions) {
    deadRows.set(formatRowKey(issued), { ...issued, reason, existing });
  }
  for (const { issued, reason } of result.refusals) deadRows.set(formatRowKey(issued), { ...issued, reason });
  if (deadRows.size === 0) return failed;
  for (const { entry, content } of batch.entries) {
    const rows = content.rows.flatMap((row) => deadRows.get(formatRowKey(row)) ?? []);
    if (rows.length === 0) continue;
    const contradicts = rows.some((row) => row.existing !== undefined);
    const cause: DeadLetterCause = {
      reason: contradicts ? 'contradiction' : 'refused',
      detail: `${rows.length} row(s) could not be written, the first: ${rows[0]!.reason}`,
      rows,
    };
    failed.push({ entry, couponId: content.couponId, cause });
  }
  return failed;
}

/** What the dead letter says of an entry that ended its worker each time it was delivered. */
export function describeUndeliverable(entry: StreamEntry, deliveries: number) {
  const detail = `delivered ${deliveries} times and never written`;
  const batch = createBatch();
  const content = parse(entry, batch);
  const rows = (content?.rows ?? []).map((row): DeadRow => ({ ...row, reason: 'deliveredTooOften' }));
  const cause: DeadLetterCause = { reason: 'deliveredTooOften', detail, rows };
  const settled = content ? toSettled({ entry, content }) : toSettledUnread(entry);
  return { couponId: content?.couponId ?? null, cause, settled, isNewer: batch.newer.length > 0 };
}
