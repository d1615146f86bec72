import type { CampaignStore, LeaseStore, LockedCampaign } from './stores.js';
import type { Campaign, CouponId, Issued } from './types.js';

/** What opening a gate needs of the place where coupons are decided. Implemented by Redis. */
export interface GateOpener {
  isOpen(couponId: CouponId): Promise<boolean>;
  /**
   * Resolves with true when everything issued before this call has left the coupons' streams; with false after `withinMs`,
   * or when the signal aborts.
   */
  untilDrained(couponIds: readonly CouponId[], withinMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Forgets the winners of a shut gate: an old copy may have some that MySQL never had. */
  clearWinners(couponId: CouponId): Promise<void>;
  /** Puts winners in place while the gate is shut. Repeating it is harmless. */
  putWinners(winners: readonly Issued[]): Promise<void>;
  /**
   * Opens the gate, and returns the rank after which it goes on: `highestRank`, or a higher one that somebody was told of.
   * Null: it is open already.
   */
  open(campaign: Campaign, highestRank: number, generation: number): Promise<number | null>;
}

export interface OpenGateDeps {
  campaigns: Pick<CampaignStore, 'markGateOpening' | 'withLocked'>;
  gates: GateOpener;
  leases: Pick<LeaseStore, 'raiseBarrier' | 'countBehind' | 'revokeExpired'>;
  /** How long to wait for what workers hold, and then for what the streams still have, in ms. */
  drainWithinMs: number;
  /** A worker whose lease has run out gets so long to come back before it loses it, in ms. */
  revokeAfterMs: number;
  pause: (ms: number) => Promise<void>;
  /** Ends the waiting early; gates that would need more of it stay shut. */
  signal?: AbortSignal;
}

export type OpenGateOutcome =
  | { kind: 'opened'; issued: number; recovered: boolean }
  | { kind: 'alreadyOpen' }
  | { kind: 'unknownCoupon' }
  /** MySQL alone answers for it: it needs no gate. */
  | { kind: 'archived' }
  /** Entries from before the loss are still in the stream: no worker, or MySQL away. Try again. */
  | { kind: 'notDrained' };

const POLL_MS = 50;

/**
 * Opens the gates that are shut: of fresh campaigns, and of those whose gate was lost with Redis's data. MySQL is the
 * master copy, and ranks go on after the highest one that anybody knows of.
 *
 * A lost gate first waits until everything promised before the loss is in MySQL: what workers hold in memory, and what the
 * stream still has. Then, under a lock of the campaign's row (one owner, no drain transaction in flight, no change of the
 * campaign): winners, and the gate itself last. Throws when MySQL or Redis cannot be asked: the gate stays shut.
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
  const { gates, drainWithinMs, signal } = deps;
  const written = (await untilNobodyHolds(deps)) && (await gates.untilDrained(lost, drainWithinMs, signal));
  for (const couponId of lost) {
    outcomes.set(couponId, written ? await openLocked(deps, couponId, true) : { kind: 'notDrained' });
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

/** False: a worker that is alive still holds something after `drainWithinMs`, or the signal aborted. */
async function untilNobodyHolds(deps: OpenGateDeps): Promise<boolean> {
  const { leases, drainWithinMs, revokeAfterMs, pause, signal } = deps;
  const beganMs = performance.now();
  const barrier = await leases.raiseBarrier();
  for (;;) {
    const { live, expired } = await leases.countBehind(barrier);
    const waitedMs = performance.now() - beganMs;
    if (live === 0 && expired === 0) return true;
    if (live === 0 && waitedMs >= revokeAfterMs) await leases.revokeExpired(barrier);
    else if (waitedMs > drainWithinMs || signal?.aborted) return false;
    else await pause(POLL_MS);
  }
}

async function openLocked(
  { campaigns, gates }: Pick<OpenGateDeps, 'campaigns' | 'gates'>,
  couponId: CouponId,
  recovered: boolean,
): Promise<OpenGateOutcome> {
  const outcome = await campaigns.withLocked(couponId, async (locked): Promise<OpenGateOutcome> => {
    // Somebody else may have had the lock before us.
    if (locked.campaign.archivedAt) return { kind: 'archived' };
    if (await gates.isOpen(couponId)) return { kind: 'alreadyOpen' };
    const highestRank = await putAllWinners(gates, locked);
    const issued = await gates.open(locked.campaign, highestRank, await locked.nextGeneration());
    return issued === null ? { kind: 'alreadyOpen' } : { kind: 'opened', issued, recovered };
  });
  return outcome ?? { kind: 'unknownCoupon' };
}

/** Returns the highest rank that anybody was told of. */
async function putAllWinners(gates: GateOpener, locked: LockedCampaign): Promise<number> {
  const unwritten = await locked.unwritten();
  let { highestRank } = unwritten;
  await gates.clearWinners(locked.campaign.id);
  const put = async (winners: readonly Issued[]) => {
    await gates.putWinners(winners);
    for (const { rank } of winners) highestRank = Math.max(highestRank, rank);
  };
  // What MySQL has comes last: it has the last word on a user.
  await put(unwritten.issued);
  for await (const page of locked.winners()) await put(page);
  return highestRank;
}
