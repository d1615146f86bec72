import type { ReadMemory } from '../coupon/ports.js';
import type { Redis } from './connection.js';

const whole = (info: string, name: string): number =>
  Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);

/** By INFO, which needs no right to read the configuration. */
export const createReadMemory =
  (redis: Redis): ReadMemory =>
  async () => {
    const info = await redis.info('memory');
    const maxBytes = whole(info, 'maxmemory');
    return maxBytes === 0 ? null : { usedBytes: whole(info, 'used_memory'), maxBytes };
  };
