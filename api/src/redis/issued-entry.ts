import type { Issued } from '../coupon/types.js';

/**
 * One stream entry holds what one script call issued. Fields, written by issueCoupons.lua:
 * `c` coupon id, `t` issuedAt in ms, `r` rank of the first user, `u` users in rank order, each `userId \t attempt`,
 * separated by `\n` (neither can be part of a printable user id or of a fingerprint).
 */
export type EntryFields = readonly string[];

export class MalformedEntryError extends Error {
  override readonly name = 'MalformedEntryError';
}

const wholeNumber = (fields: Map<string, string>, name: string): number => {
  const value = Number(fields.get(name));
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new MalformedEntryError(`field ${name} is not a positive integer`);
  return value;
};

/** Expands an entry into one `Issued` a user. Throws `MalformedEntryError` when it is not one of ours. */
export function parseIssuedEntry(flat: EntryFields): Issued[] {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i]!, flat[i + 1]!);
  const couponId = wholeNumber(fields, 'c');
  const issuedAtMs = wholeNumber(fields, 't');
  const firstRank = wholeNumber(fields, 'r');
  const users = fields.get('u');
  if (!users) throw new MalformedEntryError('field u is missing or empty');
  return users.split('\n').map((line, index) => {
    const [userId, attempt, ...rest] = line.split('\t');
    if (!userId || !attempt || rest.length > 0)
      throw new MalformedEntryError(`user ${index} of field u is malformed`);
    return { couponId, userId, rank: firstRank + index, issuedAtMs, attempt };
  });
}
