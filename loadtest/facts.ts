import { z } from 'zod';
import type { Stack } from '../stack/types.js';

/** One coupon in one user's hands, as a store has it. */
export interface Holding {
  userId: string;
  rank: number;
  /** By Redis's clock. */
  issuedAtMs: number;
}

/** Everything the stores hold of one coupon. Not a snapshot: read while nothing is being issued. */
export interface Facts {
  /** The stock in MySQL. */
  total: number;
  /** Whether Redis has the campaign. Without it Redis holds nothing and there is nothing to compare. */
  gate: boolean;
  /** Highest rank Redis handed out; 0 without a gate. */
  issued: number;
  redis: Holding[];
  mysql: Holding[];
  /** Entries waiting in the coupon's partition, perhaps of other coupons. */
  streamEntries: number;
  deadLetters: number;
  /** When reading began. */
  readAtMs: number;
}

const whole = z.number().int();
const holding = { userId: z.string().min(1), rank: whole, issuedAtMs: z.number() };
const lineSchema = z.discriminatedUnion('source', [
  z.object({ source: z.literal('meta'), gate: z.boolean(), issued: whole.optional() }),
  z.object({ source: z.literal('coupon'), total: whole }),
  z.object({ source: z.literal('redis'), ...holding }),
  z.object({ source: z.literal('mysql'), ...holding }),
  z.object({ source: z.literal('stream'), entries: whole, deadLetters: whole }),
  z.object({ source: z.literal('end') }),
]);

export class IncompleteFactsError extends Error {
  override readonly name = 'IncompleteFactsError';
}

/** Collects the NDJSON lines of `main-ops facts`. */
export class FactsReader {
  readonly #readAtMs = Date.now();
  readonly #redis: Holding[] = [];
  readonly #mysql: Holding[] = [];
  #total: number | undefined;
  #meta: { gate: boolean; issued: number } | undefined;
  #stream = { entries: 0, deadLetters: 0 };
  #ended = false;

  /** Throws when the line is not one of the facts. */
  add(text: string): void {
    if (text.trim() === '') return;
    const line = lineSchema.parse(JSON.parse(text));
    switch (line.source) {
      case 'meta':
        this.#meta = { gate: line.gate, issued: line.issued ?? 0 };
        return;
      case 'coupon':
        this.#total = line.total;
        return;
      case 'redis':
      case 'mysql': {
        const { userId, rank, issuedAtMs } = line;
        (line.source === 'redis' ? this.#redis : this.#mysql).push({ userId, rank, issuedAtMs });
        return;
      }
      case 'stream':
        this.#stream = line;
        return;
      case 'end':
        this.#ended = true;
        return;
      default:
        line satisfies never;
    }
  }

  /** Throws `IncompleteFactsError` when the reading was cut off: a missing half would look like a loss. */
  finish(): Facts {
    if (!this.#ended || this.#total === undefined || !this.#meta) {
      throw new IncompleteFactsError('the facts of the coupon were cut off before their end');
    }
    return {
      ...this.#meta,
      total: this.#total,
      redis: this.#redis,
      mysql: this.#mysql,
      streamEntries: this.#stream.entries,
      deadLetters: this.#stream.deadLetters,
      readAtMs: this.#readAtMs,
    };
  }
}

export async function readFacts(stack: Pick<Stack, 'ops'>, couponId: number): Promise<Facts> {
  const reader = new FactsReader();
  let fault: Error | undefined;
  const onLine = (line: string): void => {
    try {
      reader.add(line);
    } catch (err) {
      // Not thrown into the stack's stream handler: that would end the process.
      fault ??= new Error(`unreadable line of facts: ${line.slice(0, 200)}`, { cause: err });
    }
  };
  await stack.ops(['facts', '--coupon', String(couponId)], { onLine });
  if (fault) throw fault;
  return reader.finish();
}
