import type { Redis } from './connection.js';
import type { Attempt, CouponGate, GateState } from '../coupon/coupon-gate.js';
import type { Campaign, CouponId, IssueOutcome, Issued, UserId } from '../coupon/types.js';
import type { Logger } from '../logger.js';
import {
  allPartitions,
  metaKey,
  partitionOf,
  registryKey,
  streamKey,
  winnersKey,
  winnersKeyPrefix,
  WINNERS_KEY_SUFFIX,
} from './keys.js';

/** Codes of issueCoupons-3.lua. */
const GATE_SHUT = 0;
const NOT_OPEN = 1;
const DECIDED = 2;
const SOLD_OUT = 0;
const ENDED = -1;
const BACKLOG_FULL = -2;

/** Replies by which Redis, or the script, refuses before anything is written: nothing was promised. */
const REFUSED_BEFORE_WRITING =
  /^(OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|WRONGTYPE|ERR issueCoupons:)/;
/** A Redis that refuses does so thousands of times a second. */
const REFUSALS_LOGGED_EVERY_MS = 1_000;

export class UnexpectedReplyError extends Error {
  override readonly name = 'UnexpectedReplyError';
}

/** `rank issuedAtMs attempt`, as issueCoupons-3.lua writes it. Throws `UnexpectedReplyError`. */
export function parseRecord(record: string): { rank: number; issuedAtMs: number; attempt: string } {
  const first = record.indexOf(' ');
  const second = record.indexOf(' ', first + 1);
  const rank = Number(record.slice(0, first));
  const issuedAtMs = Number(record.slice(first + 1, second));
  if (first < 1 || second < 0 || !Number.isSafeInteger(rank) || !Number.isSafeInteger(issuedAtMs)) {
    throw new UnexpectedReplyError('a winner record is damaged');
  }
  return { rank, issuedAtMs, attempt: record.slice(second + 1) };
}

export const formatRecord = (issued: Pick<Issued, 'rank' | 'issuedAtMs' | 'attempt'>): string =>
  `${issued.rank} ${issued.issuedAtMs} ${issued.attempt}`;

/** Arguments 1 to 4 of openGate-3.lua after the coupon id, and of updateGate-1.lua. */
export const gateArguments = (campaign: Campaign): [number, number, number, number] => [
  campaign.total,
  campaign.opensAt.getTime(),
  campaign.closesAt?.getTime() ?? 0,
  campaign.closedAt ? 1 : 0,
];

function toOutcome(answer: unknown, attempt: string, nowMs: number): IssueOutcome {
  if (typeof answer === 'string') {
    const { rank, issuedAtMs, attempt: winning } = parseRecord(answer);
    return winning === attempt
      ? { kind: 'issued', rank, issuedAtMs, replayed: true }
      : { kind: 'alreadyIssued', rank, issuedAtMs };
  }
  if (typeof answer !== 'number')
    throw new UnexpectedReplyError('an answer is neither a number nor a string');
  if (answer > 0) return { kind: 'issued', rank: answer, issuedAtMs: nowMs, replayed: false };
  if (answer === SOLD_OUT) return { kind: 'soldOut' };
  if (answer === ENDED) return { kind: 'ended' };
  if (answer === BACKLOG_FULL) return { kind: 'notReady', reason: 'backlogFull' };
  throw new UnexpectedReplyError(`unknown answer ${answer}`);
}

function toOutcomes(reply: unknown, attempts: readonly Attempt[]): IssueOutcome[] {
  if (!Array.isArray(reply)) throw new UnexpectedReplyError('the reply is not an array');
  switch (reply[0]) {
    case GATE_SHUT:
      return attempts.map(() => ({ kind: 'notReady', reason: 'gateShut' }));
    case NOT_OPEN: {
      const [, opensAtMs, nowMs] = reply as number[];
      return attempts.map(() => ({
        kind: 'notOpen',
        opensAtMs: opensAtMs!,
        retryAfterMs: opensAtMs! - nowMs!,
      }));
    }
    case DECIDED: {
      if (reply.length !== attempts.length + 2) throw new UnexpectedReplyError('not one answer an attempt');
      const nowMs = reply[1] as number;
      return attempts.map(({ attempt }, i) => toOutcome(reply[i + 2], attempt, nowMs));
    }
    default:
      throw new UnexpectedReplyError(`unknown code ${String(reply[0])}`);
  }
}

export interface GateOptions {
  /** Entries a partition's stream may hold before nothing more is issued. */
  backlogMaxEntries: number;
  /** Replicas that must confirm an issue before it counts (`WAIT`); 0: none. */
  minReplicas: number;
  /** How long they may take, in ms. */
  replicaTimeoutMs: number;
}

export class RedisGate implements CouponGate {
  #refusalLoggedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly redis: Redis,
    private readonly options: GateOptions,
    private readonly logger: Logger,
  ) {}

  async issue(couponId: CouponId, attempts: readonly Attempt[]): Promise<IssueOutcome[]> {
    if (this.redis.status !== 'ready')
      return attempts.map(() => ({ kind: 'notReady', reason: 'redisUnavailable' }));
    const { backlogMaxEntries, minReplicas } = this.options;
    const args: string[] = [String(couponId), String(backlogMaxEntries), minReplicas > 0 ? '1' : '0'];
    for (const { userId, attempt } of attempts) args.push(userId, attempt);
    try {
      const keys = [metaKey(couponId), winnersKey(couponId), streamKey(partitionOf(couponId))] as const;
      const reply = await this.redis.issueCoupons(...keys, ...args);
      if (minReplicas > 0) await this.#confirm();
      return toOutcomes(reply, attempts);
    } catch (err) {
      const outcome = this.#outcomeOfFault(err, couponId);
      return attempts.map(() => outcome);
    }
  }

  async read(couponId: CouponId): Promise<GateState | null> {
    const [total, issued] = await this.redis.hmget(metaKey(couponId), 'total', 'issued');
    return total == null ? null : { total: Number(total), issued: Number(issued) };
  }

  readMany(couponIds: readonly CouponId[]): Promise<(GateState | null)[]> {
    return Promise.all(couponIds.map((couponId) => this.read(couponId)));
  }

  async update(campaign: Campaign): Promise<boolean> {
    return (await this.redis.updateGate(metaKey(campaign.id), ...gateArguments(campaign))) === 1;
  }

  async findUndrained(userId: UserId): Promise<Issued[]> {
    const perPartition = await Promise.all(
      allPartitions().map(async (partition) => {
        const keys = [registryKey(partition), streamKey(partition)] as const;
        const prefix = winnersKeyPrefix(partition);
        const reply = await this.redis.findUserCoupons(...keys, userId, prefix, WINNERS_KEY_SUFFIX);
        if (!Array.isArray(reply)) throw new UnexpectedReplyError('the reply is not an array');
        const found: Issued[] = [];
        for (let i = 0; i + 1 < reply.length; i += 2) {
          found.push({ couponId: Number(reply[i]), userId, ...parseRecord(String(reply[i + 1])) });
        }
        return found;
      }),
    );
    return perPartition.flat();
  }

  /** WAIT covers what this connection wrote before it. Sent after the reply: a script Redis did not know is sent twice. */
  async #confirm(): Promise<void> {
    const { minReplicas, replicaTimeoutMs } = this.options;
    const confirmed = await this.redis.wait(minReplicas, replicaTimeoutMs);
    if (confirmed < minReplicas) {
      throw new Error(`${confirmed} of ${minReplicas} replicas confirmed within ${replicaTimeoutMs} ms`);
    }
  }

  #outcomeOfFault(err: unknown, couponId: CouponId): IssueOutcome {
    if (err instanceof Error && err.name === 'ReplyError' && REFUSED_BEFORE_WRITING.test(err.message)) {
      if (performance.now() - this.#refusalLoggedMs > REFUSALS_LOGGED_EVERY_MS) {
        this.#refusalLoggedMs = performance.now();
        this.logger.error({ err, couponId }, 'redis refuses to issue');
      }
      return { kind: 'notReady', reason: 'redisUnavailable' };
    }
    this.logger.warn({ err, couponId }, 'the outcome of a batch is unknown');
    return { kind: 'outcomeUnknown' };
  }
}
