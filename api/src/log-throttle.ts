/** Lets one line through in `intervalMs`, and counts the others. */
export class LogThrottle {
  #nextMs = -Infinity;
  #leftOut = 0;

  constructor(private readonly intervalMs: number) {}

  /** How many lines were left out since the last one that was let through; null: leave this one out too. */
  pass(nowMs: number): number | null {
    if (nowMs < this.#nextMs) {
      this.#leftOut += 1;
      return null;
    }
    this.#nextMs = nowMs + this.intervalMs;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
