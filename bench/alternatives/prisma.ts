import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { PrismaClient } from '../../api/src/db/generated/client.js';
import { parseDatabaseUrl } from '../../api/src/db/prisma-client.js';

/** Connections of an alternative's pool. More made none of them faster on two cores. */
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
