import type { Issued } from '../coupon/types.js';

export class UnexpectedReplyError extends Error {
  override readonly name = 'UnexpectedReplyError';
}

/**
 * What Redis keeps of a winner: `rank issuedAtMs attempt`, as issueCoupons-4.lua writes it. Its version is its first
 * character: a digit is version 1. A later version begins with a letter, which this one refuses instead of misreading.
 * Throws `UnexpectedReplyError`.
 */
export function parseRecord(record: string): { rank: number; issuedAtMs: number; fingerprint: string } {
  if (/^[A-Za-z]/.test(record)) {
    throw new UnexpectedReplyError(
      `a winner record is of a version that this program does not know: upgrade it`,
    );
  }
  const first = record.indexOf(' ');
  const second = record.indexOf(' ', first + 1);
  const rank = Number(record.slice(0, first));
  const issuedAtMs = Number(record.slice(first + 1, second));
  if (first < 1 || second < 0 || !Number.isSafeInteger(rank) || !Number.isSafeInteger(issuedAtMs)) {
    throw new UnexpectedReplyError('a winner record is damaged');
  }
  return { rank, issuedAtMs, fingerprint: record.slice(second + 1) };
}

export const formatRecord = (issued: Pick<Issued, 'rank' | 'issuedAtMs' | 'fingerprint'>): string =>
  `${issued.rank} ${issued.issuedAtMs} ${issued.fingerprint}`;
