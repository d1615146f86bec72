import { parseArgs } from 'node:util';
import type { CouponId } from '../coupon/types.js';
import { allPartitions, toPartition } from '../redis/keys.js';
import { readLag } from '../redis/lag.js';
import { handleDeadLetters } from './dead-letters.js';
import { printFacts } from './facts.js';
import { UsageError, type Operator } from './operator.js';
import { rebuild } from './rebuild.js';
import { printReconciliation } from './reconcile.js';

export const USAGE = `Usage: node dist/api/src/main-ops.js COMMAND
  facts --coupon N               everything Redis and MySQL know of a coupon, one JSON object a line
  lag [--coupon N]               what is issued and not yet in MySQL; with a coupon, of its partition
  reconcile [--coupon N]         gaps between Redis and MySQL; status 1 when there is one and nothing is under way
  rebuild --coupon N [--force]   opens a gate from MySQL; --force shuts it first
  dead-letters list              entries that could not be written, one JSON object a line
  dead-letters replay (--id ID | --all)
  dead-letters drop --id ID`;

/** Throws `UsageError` or `OperatorError`, whose messages are for the operator, and whatever Redis or MySQL threw. */
export async function runCommand(operator: Operator, args: readonly string[]): Promise<void> {
  const { positionals, values } = parse(args);
  const [command, action] = positionals;
  switch (command) {
    case 'facts':
      return printFacts(operator, readCouponId(values.coupon));
    case 'lag': {
      const partitions = values.coupon ? [toPartition(readCouponId(values.coupon))] : allPartitions();
      const lag = await readLag(operator.redis, partitions);
      return operator.print({ ...lag, deadLetters: await operator.letters.count() });
    }
    case 'reconcile':
      return printReconciliation(operator, values.coupon ? readCouponId(values.coupon) : null);
    case 'rebuild':
      return rebuild(operator, readCouponId(values.coupon), values.force ?? false);
    case 'dead-letters':
      return handleDeadLetters(operator, action, values);
    default:
      throw new UsageError(USAGE);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        coupon: { type: 'string' },
        force: { type: 'boolean' },
        id: { type: 'string' },
        all: { type: 'boolean' },
      },
    });
  } catch (err) {
    throw new UsageError(`${(err as Error).message}\n${USAGE}`, { cause: err });
  }
}

function readCouponId(text: string | undefined): CouponId {
  const couponId = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text ?? '') || !Number.isSafeInteger(couponId)) {
    throw new UsageError(`--coupon needs the number of a coupon.\n${USAGE}`);
  }
  return couponId;
}
