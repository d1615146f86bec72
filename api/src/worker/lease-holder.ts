import type { Lease, LeaseStore } from '../coupon/stores.js';
import type { Logger } from '../logger.js';
import { pause } from './backoff.js';

export interface LeaseHolderDeps {
  leases: LeaseStore;
  /** Resolves when the worker holds nothing any more that it had read before the call. */
  untilNothingHeld: () => Promise<void>;
  logger: Logger;
}

/** A lease outlasts many failed renewals, and short enough for a gate that waits for a dead worker. */
export const LEASE_MS = 10_000;
const RENEW_EVERY_MS = 500;

/**
 * Keeps the lease under which this worker writes, and passes barriers: see LeaseStore. A lease that was taken away is replaced;
 * what was read under the old one cannot be written under the new one.
 */
export class LeaseHolder {
  readonly #stopping = new AbortController();
  #lease: Lease | null = null;
  #passed = 0;
  #passing: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #failing = false;

  constructor(
    private readonly deps: LeaseHolderDeps,
    private readonly worker: string,
  ) {}

  /** Null: there is none yet, or it was lost. */
  get current(): Lease | null {
    return this.#lease;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Only when the worker holds nothing more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (this.#lease) await this.deps.leases.release(this.#lease).catch(() => undefined);
    this.#lease = null;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#renew();
        this.#failing = false;
      } catch (err) {
        if (!this.#failing) this.deps.logger.warn({ err }, 'the lease is not renewed');
        this.#failing = true;
      }
      await pause(RENEW_EVERY_MS, signal);
    }
  }

  async #renew(): Promise<void> {
    const { leases, logger } = this.deps;
    const lease = (this.#lease ??= await leases.acquire(this.worker));
    const barrier = await leases.renew(lease, this.#passed);
    if (barrier === null) {
      logger.warn('the lease was taken away: what is in hand is read again');
      this.#lease = null;
      return;
    }
    if (barrier > this.#passed && !this.#passing) {
      this.#passing = this.#pass(lease, barrier).finally(() => (this.#passing = undefined));
    }
  }

  async #pass(lease: Lease, barrier: number): Promise<void> {
    await this.deps.untilNothingHeld();
    this.#passed = barrier;
    // Somebody waits for it. If this fails, the next renewal says it.
    await this.deps.leases.renew(lease, barrier).catch(() => undefined);
  }
}
