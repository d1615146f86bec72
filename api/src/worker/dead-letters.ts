import type { Redis } from '../redis/connection.js';
import type { EntryFields } from '../redis/issued-entry.js';
import { allPartitions, deadLetterKey, streamKey } from '../redis/keys.js';
import type { StreamEntry } from './entry-streams.js';

export type DeadLetterReason = 'malformed' | 'refused' | 'contradiction' | 'deliveredTooOften';

/** A row of the entry that could not be written, and why. */
export interface DeadRow {
  userId: string;
  rank: number;
  reason: string;
  existing?: { userId: string; rank: number } | null;
}

export interface DeadLetter {
  partition: number;
  /** Id in the dead-letter stream. */
  id: string;
  /** Id the entry had in its stream. */
  originalId: string;
  reason: DeadLetterReason;
  detail: string;
  rows: DeadRow[];
  /** The entry as it was. */
  fields: EntryFields;
}

export interface DeadLetterCause {
  reason: DeadLetterReason;
  detail: string;
  rows: readonly DeadRow[];
}

const PAGE = 100;
const ORIGINAL = 'field:';

/**
 * Fields: `originalId`, `reason`, `detail`, `rows` (JSON), then the original ones with the prefix `field:`. The caller acks
 * afterwards: a crash in between makes two letters, never none.
 */
export async function addDeadLetter(redis: Redis, entry: StreamEntry, cause: DeadLetterCause): Promise<void> {
  const { reason, detail, rows } = cause;
  const original = entry.fields.map((part, i) => (i % 2 === 0 ? ORIGINAL + part : part));
  const about = ['originalId', entry.id, 'reason', reason, 'detail', detail, 'rows', JSON.stringify(rows)];
  await redis.xadd(deadLetterKey(entry.partition), '*', ...about, ...original);
}

function parseDeadLetter(partition: number, id: string, flat: readonly string[]): DeadLetter {
  const about = new Map<string, string>();
  const fields: string[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [name, value] = [flat[i]!, flat[i + 1]!];
    if (name.startsWith(ORIGINAL)) fields.push(name.slice(ORIGINAL.length), value);
    else about.set(name, value);
  }
  return {
    partition,
    id,
    originalId: about.get('originalId') ?? '',
    reason: (about.get('reason') ?? 'malformed') as DeadLetterReason,
    detail: about.get('detail') ?? '',
    rows: JSON.parse(about.get('rows') ?? '[]') as DeadRow[],
    fields,
  };
}

/** All dead letters, oldest first in each partition. */
export async function* listDeadLetters(redis: Redis): AsyncGenerator<DeadLetter> {
  for (const partition of allPartitions()) {
    for (let start = '-'; ;) {
      const page = await redis.xrange(deadLetterKey(partition), start, '+', 'COUNT', PAGE);
      for (const [id, flat] of page) yield parseDeadLetter(partition, id, flat);
      if (page.length < PAGE) break;
      start = `(${page.at(-1)![0]}`;
    }
  }
}

export async function countDeadLetters(redis: Redis): Promise<number> {
  const lengths = await Promise.all(allPartitions().map((partition) => redis.xlen(deadLetterKey(partition))));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** Puts the original entry back into its stream, then removes the letter, in one transaction of one slot. */
export async function replayDeadLetter(redis: Redis, letter: DeadLetter): Promise<void> {
  const replies = await redis
    .multi()
    .xadd(streamKey(letter.partition), '*', ...letter.fields)
    .xdel(deadLetterKey(letter.partition), letter.id)
    .exec();
  for (const [err] of replies ?? []) if (err) throw err;
}
