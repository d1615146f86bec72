import { setTimeout as sleep } from 'node:timers/promises';
import type { CampaignStore, GateOpener, LeaseStore, LockedCampaign } from './ports.js';
import type { CouponId, Issued } from './types.js';

export interface OpenGateDeps {
  campaigns: Pick<CampaignStore, 'markGateOpening' | 'withLocked'>;
  gates: GateOpener;
  leases: Pick<LeaseStore, 'raiseBarrier' | 'countBehind' | 'revokeExpired'>;
  /** How long to wait for what workers have in hand, and then for what the streams still have, in ms. */
  drainWithinMs?: number;
  /** A worker whose lease has run out gets so long to come back before it loses it, in ms. */
  revokeAfterMs?: number;
  /** Ends the waiting early; gates that would need more of it stay shut. */
  signal?: AbortSignal;
}

type OpenGateOutcome =
  | { kind: 'opened'; issued: number; recovered: boolean }
  | { kind: 'alreadyOpen' }
  | { kind: 'unknownCoupon' }
  /** MySQL alone answers for it: it needs no gate. */
  | { kind: 'archived' }
  /** Entries from before the loss are still in the stream: no worker, or MySQL away. Try again. */
  | { kind: 'notDrained' };

/** Longer than it takes to claim and write what a dead worker left behind. */
const DRAIN_WITHIN_MS = 30_000;
/** A worker whose lease has run out while MySQL was away renews it within this time. */
const REVOKE_AFTER_MS = 3_000;
const POLL_MS = 50;

/**
 * Opens the gates that are shut: of fresh campaigns, and of those whose gate was lost with Redis's data. MySQL is the
 * master copy, and ranks go on after the highest one that anybody knows of.
 *
 * A lost gate first waits until everything promised before the loss is in MySQL: what workers have in memory, and what the
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
  const { gates, drainWithinMs = DRAIN_WITHIN_MS, signal } = deps;
  const written = (await waitForWorkers(deps)) && (await gates.waitUntilDrained(lost, drainWithinMs, signal));
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

/** False: a worker that is alive still has something in hand after `drainWithinMs`, or the signal aborted. */
async function waitForWorkers(deps: OpenGateDeps): Promise<boolean> {
  const { leases, drainWithinMs = DRAIN_WITHIN_MS, revokeAfterMs = REVOKE_AFTER_MS, signal } = deps;
  const beganMs = performance.now();
  const barrier = await leases.raiseBarrier();
  for (;;) {
    const { live, expired } = await leases.countBehind(barrier);
    const waitedMs = performance.now() - beganMs;
    if (live === 0 && expired === 0) return true;
    if (live === 0 && waitedMs >= revokeAfterMs) await leases.revokeExpired(barrier);
    else if (waitedMs > drainWithinMs || signal?.aborted) return false;
    else await sleep(POLL_MS);
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
    const issued = await gates.open(locked.campaign, highestRank, await locked.beginGeneration());
    return issued === null ? { kind: 'alreadyOpen' } : { kind: 'opened', issued, recovered };
  });
  return outcome ?? { kind: 'unknownCoupon' };
}

/** Returns the highest rank that anybody was told of. */
async function putAllWinners(gates: GateOpener, locked: LockedCampaign): Promise<number> {
  const unwritten = await locked.readUnwritten();
  let { highestRank } = unwritten;
  await gates.clearWinners(locked.campaign.id);
  const put = async (winners: readonly Issued[]) => {
    await gates.putWinners(winners);
    for (const { rank } of winners) highestRank = Math.max(highestRank, rank);
  };
  // What MySQL has comes last: it has the last word on a user.
  await put(unwritten.issued);
  for await (const page of locked.readWinners()) await put(page);
  return highestRank;
}
