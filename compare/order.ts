import { Random } from '../common/random.js';
import { ATTEMPTS, isValid } from './summarise.js';
import type { ComparisonRecord, RunRecord } from './types.js';

interface Todo {
  readonly replicas: number;
  readonly round: number;
  readonly attempt: number;
}

/**
 * What is left to do: each round has each count once, in an order of its own, so that a machine that gets slower hits all
 * alike and no count always follows the same other one.
 */
export function remaining({ replicas, rounds, ended }: ComparisonRecord, done: readonly RunRecord[]): Todo[] {
  if (ended !== undefined) return [];
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
    new Random(round).shuffle(replicas).flatMap((count) => {
      const own = done.filter((run) => run.replicas === count && run.round === round);
      if (own.some(isValid) || own.length >= ATTEMPTS) return [];
      return [{ replicas: count, round, attempt: own.length + 1 }];
    }),
  );
}

/**
 * So many of those that run, in another round others: two processes of the same code may differ by some percent for as long
 * as they live, and none of them may stand for a whole count.
 */
export const servingReplicas = (count: number, round: number, running: number): string[] =>
  Array.from({ length: count }, (_, index) => `api-${((round + index) % running) + 1}`);
