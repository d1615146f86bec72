import type { CampaignStore } from './stores.js';
import type { Campaign, CouponId, Issued } from './types.js';

/** What opening a gate needs of the place where coupons are decided. Implemented by Redis. */
export interface GateOpener {
  isOpen(couponId: CouponId): Promise<boolean>;
  /**
   * Resolves with true when everything issued before this call has left the coupons' streams; with false after `withinMs`,
   * or when the signal aborts.
   */
  untilDrained(couponIds: readonly CouponId[], withinMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Puts winners in place while the gate is shut. Repeating it is harmless. */
  putWinners(winners: readonly Issued[]): Promise<void>;
  /** Opens the gate unless it is open: false. `issued`: the highest rank handed out so far. */
  open(campaign: Campaign, issued: number): Promise<boolean>;
}

export interface OpenGateDeps {
  campaigns: Pick<CampaignStore, 'markGateOpening' | 'withLocked'>;
  gates: GateOpener;
  /** How long batches that were read before the loss get to reach MySQL, in ms. */
  settleMs: number;
  /** How long to wait for what the streams still have, in ms. */
  drainWithinMs: number;
  pause: (ms: number) => Promise<void>;
  /** Where a drainer runs in the same process: resolves when it has written what it holds in memory. */
  untilNothingInHand?: () => Promise<void>;
  /** Ends the waiting early; gates that would need more of it stay shut. */
  signal?: AbortSignal;
}

export type OpenGateOutcome =
  | { kind: 'opened'; issued: number; recovered: boolean }
  | { kind: 'alreadyOpen' }
  | { kind: 'unknownCoupon' }
  /** Entries from before the loss are still in the stream: no worker, or MySQL away. Try again. */
  | { kind: 'notDrained' };

/**
 * Opens the gates that are shut: of fresh campaigns, and of those whose gate was lost with Redis's data. MySQL is the
 * master copy, and ranks go on after the highest one it has.
 *
 * A lost gate first waits until everything promised before the loss is in MySQL: what the stream still has, and what
 * workers hold in memory. Then, under a lock of the campaign's row (one owner, no drain transaction in flight, no change
 * of the campaign): winners, and the gate itself last. Throws when MySQL or Redis cannot be asked: the gate stays shut.
 */
export async function openGates(
  deps: OpenGateDeps,
  couponIds: readonly CouponId[],
): Promise<Map<CouponId, OpenGateOutcome>> {
  const outcomes = new Map<CouponId, OpenGateOutcome>();
  const lost: CouponId[] = [];
  for (const couponId of couponIds) {
    const outcome = await openFreshGate(deps, couponId);
    if (outcome.kind === 'lost') lost.push(couponId);
    else outcomes.set(couponId, outcome);
  }
  if (lost.length === 0) return outcomes;
  await deps.pause(deps.settleMs);
  await deps.untilNothingInHand?.();
  const drained = await deps.gates.untilDrained(lost, deps.drainWithinMs, deps.signal);
  for (const couponId of lost) {
    outcomes.set(couponId, drained ? await openLocked(deps, couponId, true) : { kind: 'notDrained' });
  }
  return outcomes;
}

/** The same for one coupon. */
export async function openGate(deps: OpenGateDeps, couponId: CouponId): Promise<OpenGateOutcome> {
  return (await openGates(deps, [couponId])).get(couponId)!;
}

/**
 * Opens the gate of a campaign that was never open: nothing to wait for. `lost`: it was open before (or is being opened by
 * somebody else, or there is no such coupon) and is left to `openGates`, as the gate keeper calls it.
 */
export async function openFreshGate(
  deps: Pick<OpenGateDeps, 'campaigns' | 'gates'>,
  couponId: CouponId,
): Promise<OpenGateOutcome | { kind: 'lost' }> {
  if (await deps.gates.isOpen(couponId)) return { kind: 'alreadyOpen' };
  if (await deps.campaigns.markGateOpening(couponId)) return openLocked(deps, couponId, false);
  return { kind: 'lost' };
}

async function openLocked(
  { campaigns, gates }: Pick<OpenGateDeps, 'campaigns' | 'gates'>,
  couponId: CouponId,
  recovered: boolean,
): Promise<OpenGateOutcome> {
  const outcome = await campaigns.withLocked(couponId, async (locked): Promise<OpenGateOutcome> => {
    // Somebody else may have had the lock before us.
    if (await gates.isOpen(couponId)) return { kind: 'alreadyOpen' };
    let issued = 0;
    for await (const page of locked.winners()) {
      await gates.putWinners(page);
      issued = page.at(-1)!.rank;
    }
    const opened = await gates.open(locked.campaign, issued);
    return opened ? { kind: 'opened', issued, recovered } : { kind: 'alreadyOpen' };
  });
  return outcome ?? { kind: 'unknownCoupon' };
}
