import { explain } from '../../../common/command-line.js';
import { metricsDatabase, type Influx } from '../../../common/influx.js';
import type { Source } from './sources.js';

const INTERVAL_MS = 1_000;

/**
 * Stands in for Telegraf where that is missing: every second all sources at once, one write. A source that does not
 * answer is left out of that round, and told of once; a write that fails is told of once until one succeeds.
 */
export class Collector {
  readonly #silent = new Set<Source>();
  #timer: NodeJS.Timeout | undefined;
  #writes = true;
  #round: Promise<void> = Promise.resolve();

  constructor(
    private readonly influx: Influx,
    private readonly sources: () => readonly Source[],
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
      this.sources().map((source) => source(timeMs).catch((error: unknown) => this.#miss(source, error))),
    );
    try {
      await this.influx.write(metricsDatabase, gathered.flat());
      this.#writes = true;
    } catch (error) {
      if (this.#writes) this.say(`not written to ${this.influx.url}: ${explain(error)}`);
      this.#writes = false;
    }
  }

  #miss(source: Source, error: unknown): [] {
    if (!this.#silent.has(source)) this.say(`not collected: ${explain(error)}`);
    this.#silent.add(source);
    return [];
  }
}
