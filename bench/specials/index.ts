import type { CapacityCheck } from './capacity-check.js';
import type { PeakResult } from './peak.js';
import type { RedisNoop } from './redis-noop.js';
import type { RowsWritten } from './writing.js';

/** What is measured in other ways than as a row. Absent: not part of this run, see `notes`. */
export interface Specials {
  readonly redisNoop?: RedisNoop | undefined;
  readonly writing?: {
    readonly create: RowsWritten;
    readonly createMany: RowsWritten;
    readonly driver: RowsWritten;
    readonly worker: RowsWritten;
  };
  readonly threeReplicasPerSecond?: number;
  readonly peaks?: { readonly floor: PeakResult; readonly system: PeakResult };
  readonly bytesPerCoupon?: number;
  /** Predicted and measured at other sizes, see docs/capacity.md. */
  readonly capacity?: readonly CapacityCheck[];
  /** 0 to 1. */
  readonly telemetry?: number;
}
