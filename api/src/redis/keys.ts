import type { CouponId } from '../coupon/types.js';

/**
 * How many partitions there are. Every key of a coupon carries its partition as hash tag, and each partition has one
 * stream in the same slot. Fixed for the life of a deployment: changing it moves every coupon to other keys.
 */
const PARTITION_COUNT = 16;

/** Consumer group of the workers, the same on every stream. */
export const CONSUMER_GROUP = 'drainers';

export const toPartition = (couponId: CouponId): number => couponId % PARTITION_COUNT;

export const allPartitions = (): number[] => Array.from({ length: PARTITION_COUNT }, (_, p) => p);

/**
 * HASH, the gate: `total`, `opensAtMs`, `closesAtMs` (0: none), `closed` (0|1), `revision` of the campaign, `issued` (highest
 * rank handed out), `generation` (see checkGate-1.lua), `checked` (identity of the server on which it was compared with
 * MySQL). Without `total` it is shut: not ready.
 */
export const metaKey = (couponId: CouponId): string => `{p${toPartition(couponId)}}:coupon:${couponId}:meta`;

/** HASH, user id → `rank issuedAtMs attempt`: see winner-record.ts. */
export const winnersKey = (couponId: CouponId): string =>
  `${winnersKeyPrefix(toPartition(couponId))}${couponId}${WINNERS_KEY_SUFFIX}`;

/** What surrounds the coupon id in a winners key: scripts that walk the registry put it together themselves. */
export const winnersKeyPrefix = (partition: number): string => `{p${partition}}:coupon:`;
export const WINNERS_KEY_SUFFIX = ':winners';

/** SET of the ids of the coupons that have a gate in this partition. */
export const registryKey = (partition: number): string => `{p${partition}}:coupons`;

/** STREAM of what was issued and is not yet in MySQL: see issued-entry.ts. */
export const streamKey = (partition: number): string => `{p${partition}}:issued`;

/** HASH, coupon id → coupons of it in the stream; `*`: of all coupons of the partition. */
export const undrainedKey = (partition: number): string => `{p${partition}}:undrained`;
