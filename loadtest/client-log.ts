import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** What a client was told. */
export interface Answer {
  /** HTTP status; 0: no answer came. */
  status: number;
  /** Of a 200 or 409. */
  rank: number | null;
  /** From the intent to the answer in hand, connecting included. */
  durationMs: number;
  /** k6's error code when the status is 0: 1050 and 1211 are timeouts, the others broken or refused connections. */
  errorCode: number;
  /** `Idempotency-Replayed` was there. */
  replayed: boolean;
  /** `code` of a problem body; with status 0 k6's words for what broke, `_` for spaces. */
  code: string | null;
  /** Of a 200 or 409, where the client writes it down. */
  issuedAtMs?: number;
}

/** One try of one user. */
export interface Attempt {
  userId: string;
  /** The client's own attempt key, if it sent one. */
  key: string | null;
  /** Milliseconds since the epoch, by the client's clock, before anything was sent. */
  sentMs: number;
  /** Null: the client ended before it had an answer. */
  answer: Answer | null;
}

export class MalformedLogError extends Error {
  override readonly name = 'MalformedLogError';
}

const textOrNull = (text: string | undefined): string | null =>
  text === undefined || text === '-' ? null : text;

function whole(text: string | undefined, line: string): number {
  const value = Number(text);
  if (text === undefined || text === '' || !Number.isSafeInteger(value) || value < 0) {
    throw new MalformedLogError(`not a line of a client log: ${line.slice(0, 200)}`);
  }
  return value;
}

/**
 * Collects the lines that loadtest/k6/lib/issue.ts writes:
 * `> user key sentMs` before sending, `< user key sentMs status rank durationMs errorCode replayed code [issuedAtMs]` after.
 * `-` stands for nothing. An answer belongs to the intent with the same user, key and time.
 */
export class ClientLog {
  readonly attempts: Attempt[] = [];
  readonly #unanswered = new Map<string, Attempt[]>();

  /** Throws `MalformedLogError` for anything but such a line, and for an answer to nothing. */
  add(line: string): void {
    if (line === '') return;
    const [direction, userId, key, sent, ...answer] = line.split(' ');
    if (!userId || key === undefined)
      throw new MalformedLogError(`not a line of a client log: ${line.slice(0, 200)}`);
    const id = `${userId} ${key} ${sent}`;
    if (direction === '>')
      this.#intent(id, { userId, key: textOrNull(key), sentMs: whole(sent, line), answer: null });
    else if (direction === '<') this.#answer(id, answer, line);
    else throw new MalformedLogError(`not a line of a client log: ${line.slice(0, 200)}`);
  }

  #intent(id: string, attempt: Attempt): void {
    this.attempts.push(attempt);
    const waiting = this.#unanswered.get(id);
    if (waiting) waiting.push(attempt);
    else this.#unanswered.set(id, [attempt]);
  }

  #answer(id: string, fields: string[], line: string): void {
    const attempt = this.#unanswered.get(id)?.shift();
    if (!attempt) throw new MalformedLogError(`an answer without its intent: ${line.slice(0, 200)}`);
    const [status, rank, durationMs, errorCode, replayed, code, issuedAt] = fields;
    const issuedAtText = textOrNull(issuedAt);
    const rankText = textOrNull(rank);
    attempt.answer = {
      status: whole(status, line),
      rank: rankText === null ? null : whole(rankText, line),
      durationMs: whole(durationMs, line),
      errorCode: whole(errorCode, line),
      replayed: replayed === '1',
      code: textOrNull(code),
      ...(issuedAtText !== null && { issuedAtMs: whole(issuedAtText, line) }),
    };
  }
}

/** A last line cut short (the client was killed while writing) is left out; any other malformed line throws. */
export async function readClientLog(path: string): Promise<Attempt[]> {
  const log = new ClientLog();
  let held: string | undefined;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (held !== undefined) log.add(held);
    held = line;
  }
  try {
    if (held !== undefined) log.add(held);
  } catch (err) {
    if (!(err instanceof MalformedLogError)) throw err;
  }
  return log.attempts;
}
