import type { CouponGate } from './ports.js';
import type { Issued, UserId } from './types.js';

/** Users in one round: near 1 ms of Redis's time while a rush is on. */
const ROUND_MAX = 256;

interface Waiting {
  userId: UserId;
  resolve: (found: Issued[]) => void;
  reject: (err: unknown) => void;
}

/**
 * Asks Redis for many users at once. One round at a time: who comes meanwhile waits for the next, which begins after they
 * came and so sees what they won before. However many ask, they cost Redis no more than one round after the other.
 */
export class UndrainedReader {
  #waiting: Waiting[] = [];
  #isReading = false;

  constructor(private readonly gate: Pick<CouponGate, 'findUndrained'>) {}

  /** What the user holds and MySQL may not have yet. Throws when Redis cannot be asked. */
  read(userId: UserId): Promise<Issued[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ userId, resolve, reject });
      if (!this.#isReading) void this.#readUntilNobodyWaits();
    });
  }

  async #readUntilNobodyWaits(): Promise<void> {
    this.#isReading = true;
    while (this.#waiting.length > 0) {
      const round = this.#waiting.splice(0, ROUND_MAX);
      try {
        const found = await this.gate.findUndrained(round.map(({ userId }) => userId));
        for (const [i, { resolve }] of round.entries()) resolve(found[i]!);
      } catch (err) {
        for (const { reject } of round) reject(err);
      }
    }
    this.#isReading = false;
  }
}
