import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { Redis } from 'ioredis';
import { PrismaClient } from '../../api/src/db/generated/client.js';
import { parseDatabaseUrl } from '../../api/src/db/prisma-client.js';

/** Connections of a rival's pool. More made none of them faster on two cores. */
const POOL = 10;
/** Long enough that the last one of a burst is still answered: slowness is measured here, not timeouts. */
export const PATIENCE_MS = 120_000;

export const connectPrisma = (): PrismaClient =>
  new PrismaClient({
    adapter: new PrismaMariaDb({
      ...parseDatabaseUrl(process.env['DATABASE_URL'] ?? ''),
      connectionLimit: POOL,
      acquireTimeout: PATIENCE_MS,
      allowPublicKeyRetrieval: true,
    }),
  });

export interface RivalRedis extends Redis {
  /** Returns the rank, 0 when sold out, -1 when this user holds a coupon already. */
  decide(
    counter: string,
    winners: string,
    stream: string,
    userId: string,
    total: string,
    queue: '0' | '1',
  ): Promise<number>;
}

/** One user per call, which is what most would write; `queue` 1 adds the winner to a stream in the same call. */
const DECIDE = `
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return -1 end
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[2]) then return 0 end
local rank = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], ARGV[1], rank)
if ARGV[3] == '1' then redis.call('XADD', KEYS[3], '*', 'user', ARGV[1], 'rank', rank) end
return rank`;

export function connectRedis(): RivalRedis {
  const redis = new Redis({
    host: '127.0.0.1',
    port: Number(process.env['REDIS_PORT']),
    password: process.env['REDIS_PASSWORD'] ?? '',
  });
  redis.defineCommand('decide', { numberOfKeys: 3, lua: DECIDE });
  return redis as RivalRedis;
}
