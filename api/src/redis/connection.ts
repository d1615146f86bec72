import { Redis } from 'ioredis';
import type { RedisConfig } from '../config.js';
import type { Logger } from '../logger.js';
import { loadCommands } from './load-commands.js';

export type { Redis };

const buildAddress = (config: RedisConfig) =>
  config.REDIS_SENTINELS
    ? {
        sentinels: config.REDIS_SENTINELS,
        name: config.REDIS_SENTINEL_NAME,
        ...(config.REDIS_SENTINEL_PASSWORD ? { sentinelPassword: config.REDIS_SENTINEL_PASSWORD } : {}),
        sentinelRetryStrategy: retryDelayMs,
        // Told of a failover by the sentinels, instead of waiting for the old primary's connection to break.
        failoverDetector: true,
      }
    : { host: config.REDIS_HOST, port: config.REDIS_PORT };

function buildTls(config: RedisConfig) {
  if (config.REDIS_TLS === 'off') return {};
  const { REDIS_TLS_CA: ca, REDIS_TLS_CERT: cert, REDIS_TLS_KEY: key } = config;
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return { tls, sentinelTLS: tls, enableTLSForSentinelMode: true };
}

/** Long enough for `quit` and then `disconnect`. */
const REVIVE_AFTER_MS = 100;

const retryDelayMs = (times: number): number => Math.min(50 * times, 500);

/**
 * A client that fails fast: no offline queue, no retry, no resending, so that a call on a lost or hung Redis is an error
 * within `REDIS_COMMAND_TIMEOUT_MS`. It goes on reconnecting in the background for ever.
 *
 * `blocking`: for `XREADGROUP BLOCK`, which needs a connection of its own; its command limit is `blockMs` longer.
 */
export function connectRedis(config: RedisConfig, logger: Logger, blocking?: { blockMs: number }): Redis {
  const limitMs = config.REDIS_COMMAND_TIMEOUT_MS + (blocking?.blockMs ?? 0);
  const redis = new Redis({
    ...buildAddress(config),
    ...buildTls(config),
    ...(config.REDIS_USERNAME && { username: config.REDIS_USERNAME }),
    password: config.REDIS_PASSWORD,
    scripts: loadCommands(),
    connectTimeout: 1_000,
    commandTimeout: limitMs,
    // A connection that a router forgot never breaks by itself: commands would time out on it for a quarter of an hour.
    socketTimeout: 2 * limitMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: retryDelayMs,
    // A promoted replica answers READONLY to a client of the old primary: reconnect to find the new one.
    reconnectOnError: (err) => err.message.startsWith('READONLY'),
  });
  neverGiveUp(redis);
  let lost = false;
  redis.on('error', (err: Error) => {
    if (!lost) logger.warn({ err: err.message }, 'redis connection lost');
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) logger.info('redis connection is back');
    lost = false;
  });
  return redis;
}

/**
 * ioredis gives up for good when it is disconnected while it asks the sentinels, be it by a failover announced in that moment.
 * Only whoever closes a client on purpose means that.
 */
function neverGiveUp(redis: Redis): void {
  let closed = false;
  const disconnect = redis.disconnect.bind(redis);
  redis.disconnect = (reconnect = false) => {
    closed ||= !reconnect;
    disconnect(reconnect);
  };
  const revive = () => {
    if (!closed && redis.status === 'end') redis.connect().catch(() => undefined);
  };
  redis.on('end', () => setTimeout(revive, REVIVE_AFTER_MS).unref());
}

/** Lets what was sent be answered where Redis can, and closes the client for good. The only way to end one: see above. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === 'ready') await redis.quit().catch(() => undefined);
  redis.disconnect();
}

/** Resolves when the client can take commands; rejects after `timeoutMs`. */
export async function waitUntilReady(redis: Redis, timeoutMs: number): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const onReady = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      redis.off('ready', onReady);
      reject(
        new Error(
          `Redis did not answer within ${timeoutMs} ms: check REDIS_HOST, REDIS_PORT and REDIS_PASSWORD.`,
        ),
      );
    }, timeoutMs);
    redis.once('ready', onReady);
  });
}
