import type { Lease } from '../coupon/types.js';
import type { LeaseStore } from '../coupon/ports.js';
import type { Logger } from '../logger.js';
import { repeat, type Repetition } from './repeat.js';

interface LeaseHolderDeps {
  leases: LeaseStore;
  /** Resolves when everything that the worker had read before the call is written or given up. */
  waitUntilWritten: () => Promise<void>;
  logger: Logger;
}

const RENEW_EVERY_MS = 500;

/**
 * Keeps the lease under which this worker writes, and passes barriers: see LeaseStore. A lease that was taken away is replaced;
 * what was read under the old one cannot be written under the new one.
 */
export class LeaseHolder {
  #lease: Lease | null = null;
  #passed = 0;
  #passing: Promise<void> | undefined;
  #renewing: Repetition | undefined;

  constructor(
    private readonly deps: LeaseHolderDeps,
    private readonly worker: string,
  ) {}

  /** Null: there is none yet, or it was lost. */
  get current(): Lease | null {
    return this.#lease;
  }

  start(): void {
    this.#renewing ??= repeat(() => this.#renew(), {
      name: 'lease renewal',
      everyMs: RENEW_EVERY_MS,
      logger: this.deps.logger,
    });
  }

  /** Only when the worker has nothing in hand any more. */
  async stop(): Promise<void> {
    await this.#renewing?.stop();
    if (this.#lease) await this.deps.leases.release(this.#lease).catch(() => undefined);
    this.#lease = null;
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
    await this.deps.waitUntilWritten();
    this.#passed = barrier;
    // Somebody waits for it. If this fails, the next renewal says it.
    await this.deps.leases.renew(lease, barrier).catch(() => undefined);
  }
}
