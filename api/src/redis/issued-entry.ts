import type { Issued } from '../coupon/types.js';

/**
 * One stream entry holds what one script call issued. Fields, written by issueCoupons-4.lua: `v` version, `c` coupon id,
 * `t` issuedAt in ms, `r` rank of the first user, `u` users in rank order, each `userId \t attempt`, separated by `\n`
 * (neither can be part of a printable user id or of a fingerprint); `w` W3C traceparent, of a batch that is traced.
 *
 * Version 1 has no `v` and was not counted into the backlog. A worker reads its own version and the one before.
 */
export type EntryFields = readonly string[];

const NEWEST_VERSION = 2;

export class MalformedEntryError extends Error {
  override readonly name = 'MalformedEntryError';
}

/** Written by a later version of the service: a later worker can read it, so it is nobody's fault and must wait. */
export class NewerEntryError extends Error {
  override readonly name = 'NewerEntryError';
}

export interface IssuedEntry {
  version: number;
  couponId: number;
  traceparent: string | null;
  /** One a user, in rank order. */
  rows: Issued[];
}

const wholeNumber = (fields: Map<string, string>, name: string): number => {
  const value = Number(fields.get(name));
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new MalformedEntryError(`field ${name} is not a positive integer`);
  return value;
};

/** Throws `NewerEntryError`, and `MalformedEntryError` when it is not one of ours. */
export function parseIssuedEntry(flat: EntryFields): IssuedEntry {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i]!, flat[i + 1]!);
  const version = fields.has('v') ? wholeNumber(fields, 'v') : 1;
  if (version > NEWEST_VERSION)
    throw new NewerEntryError(`version ${version}, up to ${NEWEST_VERSION} is known here`);
  const couponId = wholeNumber(fields, 'c');
  const issuedAtMs = wholeNumber(fields, 't');
  const firstRank = wholeNumber(fields, 'r');
  const users = fields.get('u');
  if (!users) throw new MalformedEntryError('field u is missing or empty');
  const rows = users.split('\n').map((line, index) => {
    const [userId, fingerprint, ...rest] = line.split('\t');
    if (!userId || !fingerprint || rest.length > 0)
      throw new MalformedEntryError(`user ${index} of field u is malformed`);
    return { couponId, userId, rank: firstRank + index, issuedAtMs, fingerprint };
  });
  return { version, couponId, traceparent: fields.get('w') ?? null, rows };
}
