import { setTimeout as sleep } from 'node:timers/promises';
import type { CouponGate } from './ports.js';
import type { Campaign, CouponId } from './types.js';

/** What Redis said of a campaign. */
export interface GateReading {
  /** `unknown`: Redis did not answer. */
  gate: 'open' | 'shut' | 'unknown';
  /** Highest rank handed out; null unless the gate is open. */
  issued: number | null;
}

/** A campaign as MySQL has it, and its gate. */
export interface CampaignReading extends GateReading {
  campaign: Campaign;
}

/** A campaign that MySQL has just stored, and whether Redis has it too. */
export interface StoredCampaign extends CampaignReading {
  /** False: the worker's gate keeper brings Redis in line with MySQL later. */
  applied: boolean;
}

const READ_TRIES = 10;
const READ_PAUSE_MS = 50;

interface SyncGateDeps {
  gate: Pick<CouponGate, 'read' | 'update'>;
  /** Opens the gate of a coupon from MySQL, if it can be opened. */
  openGate: (couponId: CouponId) => Promise<unknown>;
  /** Told of a fault that is otherwise only visible as `applied: false`. */
  onFault: (err: unknown, couponId: CouponId) => void;
}

export type SyncGate = (campaign: Campaign) => Promise<StoredCampaign>;

/** The second half of every change: MySQL has it, now Redis. Never throws, since the first half stands. */
export const createSyncGate =
  ({ gate, openGate, onFault }: SyncGateDeps): SyncGate =>
  async (campaign) => {
    if (campaign.archivedAt) return { campaign, gate: 'shut', issued: null, applied: true };
    try {
      if (!(await gate.update(campaign))) await openGate(campaign.id);
      const reading = await readWhenOpen(gate, campaign.id);
      return { campaign, ...reading, applied: reading.gate === 'open' };
    } catch (err) {
      onFault(err, campaign.id);
      return { campaign, gate: 'unknown', issued: null, applied: false };
    }
  };

/** A gate that is shut may be in the hands of a worker's gate keeper at this moment: then it opens within milliseconds. */
async function readWhenOpen(gate: Pick<CouponGate, 'read'>, couponId: CouponId): Promise<GateReading> {
  for (let tries = 1; ; tries++) {
    const reading = toReading(await gate.read(couponId));
    if (reading.gate === 'open' || tries === READ_TRIES) return reading;
    await sleep(READ_PAUSE_MS);
  }
}

export const toReading = (state: { issued: number } | null): GateReading =>
  state ? { gate: 'open', issued: state.issued } : { gate: 'shut', issued: null };
