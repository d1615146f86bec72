/**
 * Remembers answers for `rememberMs` and asks once for everyone who wants the same one meanwhile. Faults are not
 * remembered. At most `max` answers: the oldest goes first.
 */
export class BriefCache<K, V> {
  readonly #entries = new Map<K, { answer: Promise<V>; untilMs: number }>();

  constructor(
    private readonly options: { rememberMs: number; max: number },
    private readonly load: (key: K) => Promise<V>,
  ) {}

  get(key: K): Promise<V> {
    const entry = this.#entries.get(key);
    if (entry && performance.now() < entry.untilMs) return entry.answer;
    this.#entries.delete(key);
    if (this.#entries.size >= this.options.max) {
      // Maps keep insertion order: the first key is the oldest.
      this.#entries.delete(this.#entries.keys().next().value!);
    }
    const answer = this.load(key);
    const fresh = { answer, untilMs: Number.POSITIVE_INFINITY };
    this.#entries.set(key, fresh);
    answer.then(
      () => (fresh.untilMs = performance.now() + this.options.rememberMs),
      () => {
        if (this.#entries.get(key) === fresh) this.#entries.delete(key);
      },
    );
    return answer;
  }
}
