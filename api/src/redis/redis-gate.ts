import type { Redis } from './connection.js';
import type { CouponGate } from '../coupon/ports.js';
import type {
  Attempt,
  Campaign,
  CouponId,
  GateState,
  Issued,
  IssueOutcome,
  UserId,
} from '../coupon/types.js';
import type { Logger } from '../logger.js';
import {
  allPartitions,
  metaKey,
  toPartition,
  streamKey,
  undrainedKey,
  winnersKey,
  winnersKeyPrefix,
  WINNERS_KEY_SUFFIX,
} from './keys.js';
import { countConfirmations, type ConfirmOptions } from './confirm-replicas.js';
import { HighestRanks } from './highest-ranks.js';
import { ServerIdentity } from './server-identity.js';
import { parseRecord, UnexpectedReplyError } from './winner-record.js';

/** Codes of issueCoupons-4.lua. */
const GATE_SHUT = 0;
const DECIDED = 2;
const UNCHECKED = 3;
const STALE = 4;
const SOLD_OUT = 0;
const ENDED = -1;
const BACKLOG_FULL = -2;
/** Replies that decide about nothing: somebody has to look at the gate first. */
type Undecided = typeof GATE_SHUT | typeof UNCHECKED | typeof STALE;

/** Replies by which Redis, or the script, refuses before anything is written: nothing was promised. */
const REFUSED_BEFORE_WRITING =
  /^(OOM|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|WRONGTYPE|ERR issueCoupons:)/;
/** A Redis that refuses does so thousands of times a second. */
const REFUSALS_LOGGED_EVERY_MS = 1_000;

/** What openGate-3.lua takes after the coupon id, and updateGate-1.lua. */
export const toGateArguments = (campaign: Campaign): [number, number, number, number, number] => [
  campaign.total,
  campaign.opensAt.getTime(),
  campaign.closesAt?.getTime() ?? 0,
  campaign.closedAt ? 1 : 0,
  campaign.revision,
];

function toOutcome(answer: unknown, fingerprint: string, nowMs: number): IssueOutcome {
  if (typeof answer === 'string') {
    const { rank, issuedAtMs, fingerprint: winning } = parseRecord(answer);
    return winning === fingerprint
      ? { kind: 'issued', rank, issuedAtMs, replayed: true }
      : { kind: 'alreadyIssued', rank, issuedAtMs };
  }
  if (typeof answer !== 'number')
    throw new UnexpectedReplyError('an answer is neither a number nor a string');
  if (answer > 0) return { kind: 'issued', rank: answer, issuedAtMs: nowMs, replayed: false };
  if (answer === SOLD_OUT) return { kind: 'soldOut' };
  if (answer === ENDED) return { kind: 'ended' };
  if (answer === BACKLOG_FULL) return { kind: 'notReady', reason: 'backlogFull' };
  const opensAtMs = -answer;
  return { kind: 'notOpen', opensAtMs, retryAfterMs: opensAtMs - nowMs };
}

function toOutcomes(reply: unknown, attempts: readonly Attempt[]): IssueOutcome[] | Undecided {
  if (!Array.isArray(reply)) throw new UnexpectedReplyError('the reply is not an array');
  const [code] = reply as unknown[];
  if (code === GATE_SHUT || code === UNCHECKED || code === STALE) return code;
  if (code !== DECIDED) throw new UnexpectedReplyError(`unknown code ${String(code)}`);
  if (reply.length !== attempts.length + 2) throw new UnexpectedReplyError('not one answer an attempt');
  const nowMs = reply[1] as number;
  return attempts.map(({ fingerprint }, i) => toOutcome(reply[i + 2], fingerprint, nowMs));
}

/** Replicas that must confirm an issue before it counts, and more. */
export interface GateOptions extends ConfirmOptions {
  /** Coupons a partition's stream may hold before nothing more is issued. */
  backlogMaxCoupons: number;
}

/**
 * Compares the gate of a coupon with MySQL: see check-gate.ts. `seen`: the highest rank that this replica has seen. True: it
 * may issue now. Throws when MySQL or Redis cannot be asked.
 */
export type CheckGate = (couponId: CouponId, seen: number) => Promise<boolean>;

const GATE_SHUT_OUTCOME: IssueOutcome = { kind: 'notReady', reason: 'gateShut' };

export class RedisGate implements CouponGate {
  readonly #server: ServerIdentity;
  readonly #seen = new HighestRanks();
  readonly #checking = new Map<CouponId, Promise<boolean>>();
  #refusalLoggedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly redis: Redis,
    private readonly options: GateOptions,
    private readonly logger: Logger,
    private readonly checkGate: CheckGate,
  ) {
    this.#server = ServerIdentity.get(redis);
  }

  async issue(couponId: CouponId, attempts: readonly Attempt[], traceparent = ''): Promise<IssueOutcome[]> {
    const outcomes = await this.#tryIssue(couponId, attempts, traceparent);
    if (typeof outcomes !== 'number') return outcomes;
    const mayIssue = outcomes !== GATE_SHUT && (await this.#checkOnce(couponId));
    const again = mayIssue ? await this.#tryIssue(couponId, attempts, traceparent) : GATE_SHUT;
    return typeof again === 'number' ? attempts.map(() => GATE_SHUT_OUTCOME) : again;
  }

  async #tryIssue(
    couponId: CouponId,
    attempts: readonly Attempt[],
    traceparent: string,
  ): Promise<IssueOutcome[] | Undecided> {
    if (this.redis.status !== 'ready')
      return attempts.map(() => ({ kind: 'notReady', reason: 'redisUnavailable' }));
    const server = this.#server.current ?? (await this.#server.read().catch(() => null));
    if (server === null) return attempts.map(() => ({ kind: 'notReady', reason: 'redisUnavailable' }));
    const { backlogMaxCoupons, minReplicas } = this.options;
    try {
      const { connection } = this.#server;
      const args: (string | number)[] = [couponId, backlogMaxCoupons, minReplicas > 0 ? 1 : 0];
      args.push(server, this.#seen.get(couponId), traceparent);
      for (const { userId, fingerprint } of attempts) args.push(userId, fingerprint);
      const partition = toPartition(couponId);
      const keys = [
        metaKey(couponId),
        winnersKey(couponId),
        streamKey(partition),
        undrainedKey(partition),
      ] as const;
      const reply = await this.redis.issueCoupons(...keys, ...args);
      const outcomes = toOutcomes(reply, attempts);
      if (typeof outcomes === 'number') return outcomes;
      if (minReplicas > 0) await this.#confirm(connection);
      this.#seen.note(couponId, outcomes);
      return outcomes;
    } catch (err) {
      const outcome = this.#toFaultOutcome(err, couponId);
      return attempts.map(() => outcome);
    }
  }

  /** One comparison at a time for each coupon: everybody who waits for it shares its result. False also without an answer. */
  #checkOnce(couponId: CouponId): Promise<boolean> {
    let checking = this.#checking.get(couponId);
    if (!checking) {
      checking = this.checkGate(couponId, this.#seen.get(couponId))
        .catch((err: unknown) => {
          this.logger.warn({ err, couponId }, 'a gate could not be compared with the database');
          return false;
        })
        .finally(() => this.#checking.delete(couponId));
      this.#checking.set(couponId, checking);
    }
    return checking;
  }

  async read(couponId: CouponId): Promise<GateState | null> {
    const [total, issued] = await this.redis.hmget(metaKey(couponId), 'total', 'issued');
    return total == null ? null : { total: Number(total), issued: Number(issued) };
  }

  readMany(couponIds: readonly CouponId[]): Promise<(GateState | null)[]> {
    return Promise.all(couponIds.map((couponId) => this.read(couponId)));
  }

  async update(campaign: Campaign): Promise<boolean> {
    return (await this.redis.updateGate(metaKey(campaign.id), ...toGateArguments(campaign))) === 1;
  }

  async findUndrained(userIds: readonly UserId[]): Promise<Issued[][]> {
    const found: Issued[][] = userIds.map(() => []);
    await Promise.all(
      allPartitions().map(async (partition) => {
        const key = undrainedKey(partition);
        const reply = await this.redis.findUserCoupons(
          key,
          winnersKeyPrefix(partition),
          WINNERS_KEY_SUFFIX,
          ...userIds,
        );
        if (!Array.isArray(reply)) throw new UnexpectedReplyError('the reply is not an array');
        for (let i = 0; i + 1 < reply.length; i += 2) {
          const records = reply[i + 1] as (string | null)[];
          for (const [user, record] of records.entries()) {
            if (typeof record !== 'string') continue;
            found[user]!.push({ couponId: Number(reply[i]), userId: userIds[user]!, ...parseRecord(record) });
          }
        }
      }),
    );
    return found;
  }

  /**
   * WAIT covers what this connection wrote before it, so it must be the connection of the script call: on a new one it would
   * confirm what a promoted replica never had. Sent after the reply: a script Redis did not know is sent twice.
   */
  async #confirm(connection: number): Promise<void> {
    const { minReplicas, replicaTimeoutMs } = this.options;
    if (connection !== this.#server.connection)
      throw new Error('the connection was lost before replicas confirmed');
    const confirmed = await countConfirmations(this.redis, this.options);
    if (confirmed < minReplicas) {
      throw new Error(`${confirmed} of ${minReplicas} replicas confirmed within ${replicaTimeoutMs} ms`);
    }
  }

  #toFaultOutcome(err: unknown, couponId: CouponId): IssueOutcome {
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
