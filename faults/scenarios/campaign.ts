import { waitUntil } from '../../common/wait-until.js';
import type { Attempt } from '../../loadtest/client-log.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';

const RAISES = 6;
const STEP = 150;
const SELLS_OUT_WITHIN_MS = 40_000;
/** The client's times are whole ms: an answer came up to this much later than they say. */
const ROUNDED_MS = 2;
/** When the last raise was answered, the closing asked for and answered. From its answer on it holds for everybody. */
const moments = { raisedMs: 0, closeAskedMs: 0, closedMs: 0 };

async function untilSoldOut({ environment, couponId }: ScenarioRun, total: number): Promise<void> {
  const soldOut = async () => (await environment.admin.statistics(couponId)).issued >= total;
  await waitUntil(soldOut, { what: 'it is sold out', timeoutMs: SELLS_OUT_WITHIN_MS, intervalMs: 50 });
}

export const stockRaisedAndClosed: FaultScenario = {
  number: 16,
  fault: 'stock raised and campaign closed during the burst',
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 3_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  stockRaised: true,
  async execute(run) {
    const { environment, random, couponId, client, inject, pause } = run;
    let { total } = await environment.readFacts(couponId);
    for (let i = 0; i < RAISES; i += 1) {
      // Every second raise is one of a campaign that is sold out at that moment.
      if (i % 2 === 0) await untilSoldOut(run, total);
      await pause(100, 900);
      total += random.between(STEP, 2 * STEP);
      await inject(`raise the stock to ${total}`, () => environment.operator.change(couponId, { total }));
    }
    // So that some are left when it is closed.
    total += 10_000;
    await inject('raise the stock beyond need', () => environment.operator.change(couponId, { total }));
    moments.raisedMs = Date.now();
    await client.moreDecided(300);
    await inject('close the campaign', async () => {
      moments.closeAskedMs = Date.now();
      await environment.operator.close(couponId);
      moments.closedMs = Date.now();
    });
    await client.moreDecided(300);
  },
  check: (_run, { attempts }) => checkMoments(attempts, moments),
};

/** What was answered, against the moments of raising and closing. Exact: both clocks are this machine's. */
export function checkMoments(
  attempts: readonly Attempt[],
  { raisedMs, closeAskedMs, closedMs }: typeof moments,
): string[] {
  const soldOut = attempts.filter((one) => isTold(one, 410) && one.answer!.code === 'sold-out');
  const ended = attempts.filter((one) => isTold(one, 410) && one.answer!.code === 'ended');
  const issued = attempts.filter((one) => isTold(one, 200) && !one.answer!.replayed);
  return [
    ...complain(
      'users were issued a coupon after the closing was answered',
      issued.filter(({ sentMs }) => sentMs > closedMs),
    ),
    ...complain(
      'users were told sold out after the stock was raised beyond need',
      soldOut.filter(({ sentMs }) => sentMs > raisedMs),
    ),
    ...complain(
      'users were told ended before the closing was asked for',
      ended.filter(({ sentMs, answer }) => sentMs + answer!.durationMs + ROUNDED_MS < closeAskedMs),
    ),
    // What never came up was not tested.
    ...(soldOut.length > 0 ? [] : ['nobody was told sold out before the stock was raised']),
    ...(ended.length > 0 ? [] : ['nobody was told ended']),
    ...(issued.some(({ sentMs }) => sentMs > raisedMs)
      ? []
      : ['nobody was issued a coupon after the last raise']),
  ];
}

const isTold = ({ answer }: Attempt, status: number): boolean => answer?.status === status;

const complain = (what: string, wrong: readonly Attempt[]): string[] =>
  wrong.length > 0 ? [`${wrong.length} ${what}`] : [];
