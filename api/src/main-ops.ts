import { once } from 'node:events';
import { readOperatorConfig } from './config.js';
import { PrismaCampaignStore } from './db/campaign-store.js';
import { describeError } from './db/database-error.js';
import { PrismaDeadLetterStore } from './db/dead-letter-store.js';
import { PrismaIssuedStore } from './db/issued-store.js';
import { PrismaLeaseStore } from './db/lease-store.js';
import { createPrismaClient } from './db/prisma-client.js';
import { createLogger } from './logger.js';
import { OperatorError, UsageError } from './ops/operator.js';
import { runCommand, USAGE } from './ops/run-command.js';
import { connectRedis, waitUntilReady } from './redis/connection.js';
import { runMain } from './run-main.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const CONNECT_WITHIN_MS = 5_000;

async function start(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.length === 0) throw new UsageError(USAGE);
  if (args.includes('--help')) {
    await printText(USAGE);
    return;
  }
  const config = readOperatorConfig();
  // Stdout is for the answer alone; what goes wrong is an error with a message of its own.
  const redis = connectRedis(config, createLogger('ops', 'silent'));
  const prisma = createPrismaClient(config);
  try {
    await waitUntilReady(redis, CONNECT_WITHIN_MS);
    const campaigns = new PrismaCampaignStore(prisma);
    const issued = new PrismaIssuedStore(prisma);
    const letters = new PrismaDeadLetterStore(prisma);
    const leases = new PrismaLeaseStore(prisma);
    const print = (line: object) => printText(JSON.stringify(line));
    await runCommand({ redis, campaigns, issued, letters, leases, print }, args);
  } catch (err) {
    if (err instanceof UsageError || err instanceof OperatorError) throw err;
    throw new OperatorError(
      `Failed: ${describeError(err)}\nSee that Redis and MySQL answer, then try again.`,
      { cause: err },
    );
  } finally {
    redis.disconnect();
    await prisma.$disconnect();
  }
}

async function printText(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

// The reader has seen enough (`… | head`): that is its right.
process.stdout.on('error', (err: NodeJS.ErrnoException) =>
  process.exit(err.code === 'EPIPE' ? 0 : EXIT_FAILED),
);

await runMain(start, [
  [UsageError, EXIT_USAGE],
  [OperatorError, EXIT_FAILED],
]);
