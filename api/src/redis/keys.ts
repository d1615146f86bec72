import type { CouponId } from '../coupon/types.js';

/**
 * How many partitions there are. Every key of a coupon carries its partition as hash tag, and each partition has one
 * stream in the same slot. Fixed for the life of a deployment: changing it moves every coupon to other keys.
 */
export const PARTITION_COUNT = 16;

/** Consumer group of the workers, the same on every stream. */
export const CONSUMER_GROUP = 'drainers';

export const partitionOf = (couponId: CouponId): number => couponId % PARTITION_COUNT;

export const allPartitions = (): number[] => Array.from({ length: PARTITION_COUNT }, (_, p) => p);

/**
 * HASH, the gate: `total`, `opensAtMs`, `closesAtMs` (0: none), `closed` (0|1), `issued` (highest rank handed out).
 * Missing: not ready.
 */
export const metaKey = (couponId: CouponId): string => `{p${partitionOf(couponId)}}:coupon:${couponId}:meta`;

/** HASH, user id → `rank issuedAtMs attempt`. */
export const winnersKey = (couponId: CouponId): string =>
  `${winnersKeyPrefix(partitionOf(couponId))}${couponId}${WINNERS_KEY_SUFFIX}`;

/** What surrounds the coupon id in a winners key: scripts that walk the registry put it together themselves. */
export const winnersKeyPrefix = (partition: number): string => `{p${partition}}:coupon:`;
export const WINNERS_KEY_SUFFIX = ':winners';

/** SET of the ids of the coupons that have a gate in this partition. */
export const registryKey = (partition: number): string => `{p${partition}}:coupons`;

/** STREAM of what was issued and is not yet in MySQL: see issued-entry.ts. */
export const streamKey = (partition: number): string => `{p${partition}}:issued`;

/** STREAM of the entries that could not be written, each with the reason. */
export const deadLetterKey = (partition: number): string => `{p${partition}}:dead`;
