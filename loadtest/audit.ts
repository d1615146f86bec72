import { checkAnswers } from './audit-answers.js';
import { checkHoldings } from './audit-holdings.js';
import { Findings } from './findings.js';
import type { Attempt } from './client-log.js';
import type { Facts } from './facts.js';

export interface AuditInput {
  facts: Facts;
  /** Every try of every client since the campaign began; null: compare Redis and MySQL only. */
  attempts: readonly Attempt[] | null;
  /** The stock was raised meanwhile, so that an early "sold out" may be right though coupons are left now. */
  stockRaised?: boolean;
}

/**
 * Counts of offenders; all zeros is the only good result.
 * - `lost`: told 200 (or 409 with a rank) and not in MySQL
 * - `duplicated`: a user with two coupons, or promised two
 * - `oversold`: a rank beyond the stock, or two users on one rank
 * - `phantom`: issued to a user who never asked (needs the client log)
 * - `falseRejections`: refused without reason, or told another rank than the one held
 * - `unpersisted`: in Redis and not in MySQL
 * - `missingInRedis`: in MySQL and not in Redis, whose gate is open: that user could win again
 * - `deadLetters`: entries that could not be written
 */
export interface Audit {
  lost: number;
  duplicated: number;
  oversold: number;
  phantom: number;
  falseRejections: number;
  unpersisted: number;
  missingInRedis: number;
  deadLetters: number;
  /** Tries with no known outcome, each resolved against MySQL. Not a fault. */
  unknownResolved: number;
  /** One sentence for each offender and each resolved outcome. */
  details: Record<string, string[]>;
}

export const FAULTS = [
  'lost',
  'duplicated',
  'oversold',
  'phantom',
  'falseRejections',
  'unpersisted',
  'missingInRedis',
  'deadLetters',
] as const satisfies readonly (keyof Audit)[];

/** Compares three sets: what clients were told, what Redis decided, what MySQL keeps. */
export function audit({ facts, attempts, stockRaised = false }: AuditInput): Audit {
  const findings = new Findings();
  checkHoldings(facts, findings);
  if (attempts) checkAnswers(facts, attempts, stockRaised, findings);
  return {
    lost: findings.count('lost'),
    duplicated: findings.count('duplicated'),
    oversold: findings.count('oversold'),
    phantom: findings.count('phantom'),
    falseRejections: findings.count('falseRejections'),
    unpersisted: findings.count('unpersisted'),
    missingInRedis: findings.count('missingInRedis'),
    deadLetters: facts.deadLetters,
    unknownResolved: findings.count('unknownResolved'),
    details: findings.sentences(),
  };
}

export const isClean = (result: Audit): boolean => FAULTS.every((fault) => result[fault] === 0);
