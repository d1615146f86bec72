/** MySQL or Redis cannot be asked now: nothing can be said, the same call may be repeated. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';

  constructor(
    readonly what: 'database' | 'redis',
    options?: ErrorOptions,
  ) {
    super(`the ${what} does not answer`, options);
  }
}

/** Turns whatever a store or the gate throws into an `UnavailableError`, keeping it as the cause. */
export async function requireAnswer<T>(what: UnavailableError['what'], answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new UnavailableError(what, { cause });
  }
}

/** The same, giving up after `limitMs`: a client waits for this answer. What was asked goes on and is ignored. */
export async function requireAnswerWithin<T>(
  limitMs: number,
  what: UnavailableError['what'],
  answer: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await requireAnswer(what, Promise.race([answer, limit]));
  } finally {
    clearTimeout(timer);
  }
}
