import type { Facts, Holding } from './facts.js';
import type { Findings } from './findings.js';

type Store = 'Redis' | 'MySQL';

/** Redis and MySQL, each in itself and against the other. */
export function checkHoldings(facts: Facts, findings: Findings): void {
  checkStore('Redis', facts.redis, facts.total, findings);
  checkStore('MySQL', facts.mysql, facts.total, findings);
  compareStores(facts, findings);
}

function checkStore(store: Store, holdings: readonly Holding[], total: number, findings: Findings): void {
  const rankOf = new Map<string, number>();
  const userAt = new Map<number, string>();
  for (const { userId, rank } of holdings) {
    const first = rankOf.get(userId);
    if (first === undefined) rankOf.set(userId, rank);
    else findings.add('duplicated', userId, `user ${userId} holds ranks ${first} and ${rank} in ${store}`);
    checkRank(store, rank, total, findings);
    const neighbour = userAt.get(rank);
    if (neighbour === undefined) userAt.set(rank, userId);
    else if (neighbour !== userId) {
      findings.add(
        'oversold',
        `rank ${rank}`,
        `rank ${rank} belongs to ${neighbour} and ${userId} in ${store}`,
      );
    }
  }
}

function checkRank(store: Store, rank: number, total: number, findings: Findings): void {
  if (rank >= 1 && rank <= total) return;
  findings.add('oversold', `rank ${rank}`, `rank ${rank} in ${store} is outside the stock of ${total}`);
}

/** Where Redis has no gate its data is gone: then MySQL alone is the truth. */
function compareStores(facts: Facts, findings: Findings): void {
  if (!facts.gate && facts.redis.length === 0) return;
  const inMysql = new Map(facts.mysql.map((holding) => [holding.userId, holding]));
  const userAtRank = new Map(facts.mysql.map(({ rank, userId }) => [rank, userId]));
  const inRedis = new Set<string>();
  for (const { userId, rank } of facts.redis) {
    inRedis.add(userId);
    const row = inMysql.get(userId);
    if (!row)
      findings.add('unpersisted', userId, `user ${userId} holds rank ${rank} in Redis and nothing in MySQL`);
    else if (row.rank !== rank) {
      findings.add(
        'duplicated',
        userId,
        `user ${userId} holds rank ${rank} in Redis and ${row.rank} in MySQL`,
      );
    }
    const other = userAtRank.get(rank);
    if (other !== undefined && other !== userId) {
      findings.add(
        'oversold',
        `rank ${rank}`,
        `rank ${rank} belongs to ${userId} in Redis and to ${other} in MySQL`,
      );
    }
  }
  for (const { userId, rank, issuedAtMs } of facts.mysql) {
    // Issued after Redis was read: no fault, only a campaign that goes on during the audit.
    if (inRedis.has(userId) || issuedAtMs >= facts.readAtMs) continue;
    findings.add('missingInRedis', userId, `user ${userId} holds rank ${rank} in MySQL and nothing in Redis`);
  }
}
