import type { AdminClient } from '../../loadtest/admin-client.js';
import { Users, type Subject } from '../subject.js';
import { createCampaign, PLENTY } from '../system/campaigns.js';
import type { Replica } from '../system/replica.js';
import type { Servers } from '../system/servers.js';

/** What server.ts can be, and which servers each uses. */
const ALTERNATIVES = [
  { id: 'express-hello', what: 'stock Express 5 hello', uses: [] },
  { id: 'select-for-update', what: 'Express + SELECT … FOR UPDATE (Prisma)', uses: ['database'] },
  { id: 'evalsha-insert', what: 'Express + EVALSHA + Prisma insert', uses: ['redis', 'database'] },
  { id: 'evalsha-queue', what: 'Express + EVALSHA + queue', uses: ['redis'] },
] as const;

/** Simpler ways to do the same, on the stack's database and the replica's Redis. */
export async function startAlternatives(
  servers: Servers,
  admin: AdminClient,
  { redisServer, redisPassword }: Replica,
): Promise<Subject[]> {
  const own = { TOTAL: String(PLENTY), REDIS_PASSWORD: redisPassword };
  const env = await servers.makeEnvironment(redisServer.port, own);
  const pids = { redis: redisServer.pid!, database: (await servers.service('database')).pid! };
  const subjects: Subject[] = [];
  for (const { id, what, uses } of ALTERNATIVES) {
    const { port, pid } = await servers.startNode(id, 'alternatives/server', env);
    const used = Object.fromEntries(uses.map((server) => [server, [pids[server]]]));
    subjects.push({
      ...{ id, what, kind: 'alternative', url: `http://127.0.0.1:${port}` },
      processes: { node: [pid!], ...used },
      // Those that write to MySQL hand out ranks of their own: a campaign each.
      users: new Users(await createCampaign(admin)),
      burst: used['database'] ? 'slow' : 'full',
    });
  }
  return subjects;
}
