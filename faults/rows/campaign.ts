import type { Attempt } from '../../loadtest/index.js';
import type { RowPlan } from '../row.js';
import { open } from './open-scene.js';

const RAISES = 6;
const STEP = 150;
/** When the last raise, and the closing, were answered: by then they hold for everybody. */
const answered = { raisedMs: 0, closedMs: 0, total: 0 };

export const stockRaisedAndClosed: RowPlan = {
  number: 16,
  fault: 'stock raised and campaign closed during the burst',
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 3_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  stockRaised: true,
  async play(given) {
    const { world, random, couponId, client, inject, pause } = open(given);
    answered.total = (await world.facts(couponId)).total;
    for (let i = 0; i < RAISES; i += 1) {
      await pause(100, 900);
      answered.total += random.between(STEP, 2 * STEP);
      await inject(`raise the stock to ${answered.total}`, () =>
        world.operator.change(couponId, { total: answered.total }),
      );
    }
    // So that some are left when it is closed.
    answered.total += 10_000;
    await inject('raise the stock beyond need', () =>
      world.operator.change(couponId, { total: answered.total }),
    );
    answered.raisedMs = Date.now();
    await client.moreDecided(300);
    await inject('close the campaign', () => world.operator.close(couponId));
    answered.closedMs = Date.now();
    await client.moreDecided(300);
  },
  check: (_scene, { attempts }) => [
    ...complain('were issued a coupon after the closing was answered', attempts, (attempt) =>
      told(attempt, 200) && !attempt.answer!.replayed && attempt.sentMs > answered.closedMs ? attempt : null,
    ),
    ...complain('were told sold out after the stock was raised', attempts, (attempt) =>
      told(attempt, 410) && attempt.answer!.code === 'sold-out' && attempt.sentMs > answered.raisedMs
        ? attempt
        : null,
    ),
    ...complain('were told ended before the closing was asked for', attempts, (attempt) =>
      told(attempt, 410) &&
      attempt.answer!.code === 'ended' &&
      attempt.sentMs + attempt.answer!.durationMs < answered.closedMs - 5_000
        ? attempt
        : null,
    ),
  ],
};

const told = ({ answer }: Attempt, status: number): boolean => answer?.status === status;

function complain(
  what: string,
  attempts: readonly Attempt[],
  wrong: (attempt: Attempt) => Attempt | null,
): string[] {
  const count = attempts.filter((attempt) => wrong(attempt)).length;
  return count > 0 ? [`${count} users ${what}`] : [];
}
