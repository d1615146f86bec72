import type { RedisConfig } from '../config.js';
import type { Logger } from '../logger.js';
import type { Redis } from './connection.js';

export interface ConfirmOptions {
  /** Replicas that must hold what was written; 0: none. */
  minReplicas: number;
  /** How long they may take, in ms. */
  replicaTimeoutMs: number;
  /** On their disks, and on the primary's: `WAITAOF` instead of `WAIT`. */
  onDisk: boolean;
}

export const NO_REPLICAS: ConfirmOptions = { minReplicas: 0, replicaTimeoutMs: 0, onDisk: false };

/** How many replicas hold what this connection wrote last, after `replicaTimeoutMs` at most. */
export async function countConfirmations(redis: Redis, options: ConfirmOptions): Promise<number> {
  const { minReplicas, replicaTimeoutMs, onDisk } = options;
  if (!onDisk) return await redis.wait(minReplicas, replicaTimeoutMs);
  const [local, replicas] = (await redis.call('WAITAOF', 1, minReplicas, replicaTimeoutMs)) as number[];
  return local === 1 ? replicas! : 0;
}

export const readConfirmOptions = (config: RedisConfig): ConfirmOptions => ({
  minReplicas: config.REDIS_MIN_REPLICAS,
  // Redis answers before the client gives up on the command.
  replicaTimeoutMs: Math.floor(config.REDIS_COMMAND_TIMEOUT_MS / 2),
  onDisk: config.REDIS_CONFIRM === 'disk',
});

/** The server cannot do what the settings ask of it: the message says what to change. */
export class UnsuitableServerError extends Error {
  override readonly name = 'UnsuitableServerError';
}

const WAITAOF_SINCE = 7.2;

/**
 * Throws `UnsuitableServerError` when the server knows no WAITAOF and it is wanted. Warns when the primary goes on writing
 * without its replicas: then each user who is refused for want of a confirmation has taken a rank.
 */
export async function checkConfirmation(
  redis: Redis,
  options: ConfirmOptions,
  logger: Logger,
): Promise<void> {
  if (options.minReplicas === 0) return;
  const version = Number(/^redis_version:(\d+\.\d+)/m.exec(await redis.info('server'))?.[1] ?? 0);
  if (options.onDisk && version < WAITAOF_SINCE) {
    throw new UnsuitableServerError(
      `REDIS_CONFIRM=disk needs Redis ${WAITAOF_SINCE} or later, this one is ${version}: use REDIS_CONFIRM=memory.`,
    );
  }
  const reply = await redis.config('GET', 'min-replicas-to-write').catch(() => null);
  const writesAlone = Array.isArray(reply) && Number(reply[1]) < options.minReplicas;
  if (writesAlone) {
    logger.warn(
      { minReplicas: options.minReplicas },
      'set min-replicas-to-write of Redis to REDIS_MIN_REPLICAS, and min-replicas-max-lag: without them a lost replica ' +
        'burns the stock, see docs/reliability.md',
    );
  }
}
