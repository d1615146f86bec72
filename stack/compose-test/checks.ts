import { explain } from '../../common/command-line.js';

/** Prints each check as it is made and counts them. */
export class Checks {
  #passed = 0;
  #failed = 0;

  constructor(private readonly print: (line: string) => void) {}

  check(title: string, holds: boolean, detail = ''): void {
    if (holds) this.#passed += 1;
    else this.#failed += 1;
    this.print(`${holds ? '  ok    ' : '  FAILED'} ${title}${detail ? ` (${detail})` : ''}`);
  }

  /** Something that kept the remaining checks from being made. */
  fault(err: unknown): void {
    this.check(explain(err), false);
  }

  get allPassed(): boolean {
    return this.#failed === 0;
  }

  summary(): string {
    return `${this.#passed} passed, ${this.#failed} failed`;
  }
}
