/** Offenders by category, each counted once however many sentences there are about it. */
export class Findings {
  readonly #categories = new Map<string, Map<string, string>>();

  /** `offender` names what is counted: a user, a rank, or a single try. */
  add(category: string, offender: string, sentence: string): void {
    let offenders = this.#categories.get(category);
    if (!offenders) this.#categories.set(category, (offenders = new Map()));
    const known = offenders.get(offender);
    offenders.set(offender, known === undefined ? sentence : `${known}; ${sentence}`);
  }

  count(category: string): number {
    return this.#categories.get(category)?.size ?? 0;
  }

  sentences(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.#categories].map(([name, offenders]) => [name, [...offenders.values()]]),
    );
  }
}
