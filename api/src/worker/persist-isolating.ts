import { type IssuedStore, LeaseLostError, type PersistResult } from '../coupon/ports.js';
import type { Contradiction, Issued, Lease } from '../coupon/types.js';
import { classifyDatabaseError, describeError } from '../db/database-error.js';

/** A row the database does not accept whatever else is there. */
interface Refusal {
  issued: Issued;
  reason: string;
}

export interface IsolatedResult extends PersistResult {
  refusals: Refusal[];
}

/**
 * Writes what can be written: a batch that fails is halved until the rows at fault stand alone. Throws when the database is
 * unavailable or the lease is lost; rows may then be written already, and repeating the whole is harmless.
 */
export async function persistIsolating(
  store: Pick<IssuedStore, 'persist'>,
  rows: readonly Issued[],
  lease: Lease,
): Promise<IsolatedResult> {
  try {
    return { ...(await store.persist(rows, lease)), refusals: [] };
  } catch (err) {
    if (err instanceof LeaseLostError) throw err;
    if (classifyDatabaseError(err) === 'unavailable') throw err;
    if (rows.length === 1) {
      const refusals = [{ issued: rows[0]!, reason: describeError(err) }];
      return { inserted: 0, replayed: 0, contradictions: [], refusals };
    }
    const middle = Math.ceil(rows.length / 2);
    const first = await persistIsolating(store, rows.slice(0, middle), lease);
    return merge(first, await persistIsolating(store, rows.slice(middle), lease));
  }
}

export const NOTHING_PERSISTED: IsolatedResult = {
  inserted: 0,
  replayed: 0,
  contradictions: [],
  refusals: [],
};

export const merge = (a: IsolatedResult, b: IsolatedResult): IsolatedResult => ({
  inserted: a.inserted + b.inserted,
  replayed: a.replayed + b.replayed,
  contradictions: [...a.contradictions, ...b.contradictions] satisfies Contradiction[],
  refusals: [...a.refusals, ...b.refusals],
});
