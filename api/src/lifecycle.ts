import type { Logger } from './logger.js';

type Close = () => Promise<void> | void;

/**
 * Closers run in reverse order of registration, each registered on the line after its resource is acquired, all under
 * one deadline. A second signal, or the deadline, ends the process with status 1.
 */
export class Lifecycle {
  readonly #closers: { name: string; close: Close }[] = [];
  #closing: Promise<void> | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly deadlineMs: number,
  ) {}

  onClose(name: string, close: Close): void {
    this.#closers.push({ name, close });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#run());
  }

  /** SIGTERM and SIGINT close everything; a fault nobody caught does too, with status 1. */
  listenForSignals(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (this.#closing) process.exit(1);
        this.logger.info({ signal }, 'closing');
        void this.#end(0);
      });
    }
    for (const fault of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(fault, (err) => {
        this.logger.fatal({ err, fault }, 'closing after a fault nobody caught');
        void this.#end(1);
      });
    }
  }

  async #end(status: number): Promise<void> {
    const deadline = setTimeout(() => {
      this.logger.error({ deadlineMs: this.deadlineMs }, 'not closed in time');
      process.exit(1);
    }, this.deadlineMs);
    await this.close();
    clearTimeout(deadline);
    process.exit(status);
  }

  async #run(): Promise<void> {
    for (const { name, close } of this.#closers.toReversed()) {
      try {
        await close();
      } catch (err) {
        this.logger.warn({ err, name }, 'closing failed');
      }
    }
  }
}
