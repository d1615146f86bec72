import { metricsDatabase, type Influx } from '../../loadtest/compare/influx.js';
import type { Source } from './sources.js';

const INTERVAL_MS = 1_000;

/**
 * Stands in for Telegraf where that is missing: every second all sources at once, one write. A source that does not
 * answer is left out of that round, and told of once.
 */
export class Collector {
  readonly #silent = new Set<Source>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(
    private readonly influx: Influx,
    private readonly sources: readonly Source[],
    private readonly say: (line: string) => void,
  ) {}

  start(): void {
    let busy = false;
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.#round = this.collect().finally(() => (busy = false));
    }, INTERVAL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  async collect(): Promise<void> {
    const timeMs = Date.now();
    const gathered = await Promise.all(
      this.sources.map((source) => source(timeMs).catch((error: unknown) => this.#miss(source, error))),
    );
    await this.influx
      .write(metricsDatabase, gathered.flat())
      .catch((error: unknown) => this.say(String(error)));
  }

  #miss(source: Source, error: unknown): [] {
    if (!this.#silent.has(source))
      this.say(`not collected: ${error instanceof Error ? error.message : String(error)}`);
    this.#silent.add(source);
    return [];
  }
}
