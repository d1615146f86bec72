import { once } from 'node:events';
import { ConfigError, readOperatorConfig, type OperatorConfig } from './config.js';
import { PrismaCampaignStore } from './db/campaign-store.js';
import { reasonOf } from './db/database-error.js';
import { PrismaDeadLetterStore } from './db/dead-letter-store.js';
import { PrismaIssuedStore } from './db/issued-store.js';
import { PrismaLeaseStore } from './db/lease-store.js';
import { createPrismaClient } from './db/prisma-client.js';
import { createLogger } from './logger.js';
import { OperatorError, UsageError } from './ops/operator.js';
import { runCommand, USAGE } from './ops/run-command.js';
import { connectRedis, untilReady } from './redis/connection.js';
import { LEASE_MS } from './worker/lease-holder.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** sysexits.h: EX_CONFIG. */
const EXIT_CONFIG = 78;
const CONNECT_WITHIN_MS = 5_000;

async function main(args: readonly string[], config: OperatorConfig): Promise<void> {
  // Stdout is for the answer alone; what goes wrong is an error with a message of its own.
  const redis = connectRedis(config, createLogger('ops', 'silent'));
  const prisma = createPrismaClient(config);
  try {
    await untilReady(redis, CONNECT_WITHIN_MS);
    const campaigns = new PrismaCampaignStore(prisma);
    const issued = new PrismaIssuedStore(prisma);
    const letters = new PrismaDeadLetterStore(prisma);
    const leases = new PrismaLeaseStore(prisma, LEASE_MS);
    await runCommand({ redis, campaigns, issued, letters, leases, print }, args);
  } finally {
    redis.disconnect();
    await prisma.$disconnect();
  }
}

async function print(line: object): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain');
}

function report(err: unknown): number {
  const isForOperator =
    err instanceof UsageError || err instanceof OperatorError || err instanceof ConfigError;
  process.stderr.write(
    isForOperator
      ? `${err.message}\n`
      : `Failed: ${reasonOf(err)}\nSee that Redis and MySQL answer, then try again.\n`,
  );
  return err instanceof UsageError ? EXIT_USAGE : err instanceof ConfigError ? EXIT_CONFIG : EXIT_FAILED;
}

// The reader has seen enough (`… | head`): that is its right.
process.stdout.on('error', (err: NodeJS.ErrnoException) =>
  process.exit(err.code === 'EPIPE' ? 0 : EXIT_FAILED),
);

const args = process.argv.slice(2);
if (args.length === 0 || args.includes('--help')) {
  process.stdout.write(`${USAGE}\n`);
  process.exitCode = args.length === 0 ? EXIT_USAGE : 0;
} else {
  try {
    await main(args, readOperatorConfig());
  } catch (err) {
    process.exitCode = report(err);
  }
}
