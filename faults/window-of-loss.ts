import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../common/wait-until.js';
import { ClientProcess } from './client/client-process.js';
import type { Random } from '../common/random.js';
import { wipe } from './scenarios/redis.js';
import type { TestEnvironment } from './environment.js';

const ROUNDS = 4;
const RATE = 400;
const STOCK = 1_000_000;
const REBUILT_WITHIN_MS = 60_000;

export interface WindowOfLoss {
  how: 'disk' | 'flush';
  /** Clients that were told 200 and whose coupon is in no database. */
  lost: number;
  /** Between the oldest and the newest of those answers. */
  spanMs: number;
  /** Answers with 200 in the second before the disk was lost. */
  issuedInSecondBefore: number;
  /** Not allowed even then. */
  duplicated: number;
  oversold: number;
}

/**
 * What `appendfsync always` and one Redis cannot promise: Redis said yes, the worker had not yet moved it to MySQL, and
 * then the disk was lost. Measured, not judged: `REDIS_MIN_REPLICAS=1` closes it (scenario 8).
 */
export async function measureWindowOfLoss(
  environment: TestEnvironment,
  random: Random,
  folder: string,
  print: (line: string) => void,
): Promise<WindowOfLoss[]> {
  await environment.reshape({ api: 3, worker: 1, env: {} });
  await mkdir(folder, { recursive: true });
  const measured: WindowOfLoss[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const one = await measureOnce(environment, random, folder, round % 2 === 0 ? 'disk' : 'flush');
    const { how, lost, spanMs } = one;
    print(
      `    wiped (${how}) at ${RATE} users a second, nothing drained before: ${lost} lost within ${spanMs} ms`,
    );
    measured.push(one);
  }
  return measured;
}

async function measureOnce(
  environment: TestEnvironment,
  random: Random,
  folder: string,
  how: 'disk' | 'flush',
): Promise<WindowOfLoss> {
  await environment.admin.closeAllCampaigns();
  const couponId = await environment.admin.createCampaign('faults window of loss', STOCK);
  const client = new ClientProcess({
    frontUrl: environment.stack.frontUrl,
    couponId,
    rate: RATE,
    maxUsers: 30_000,
    maxMs: 90_000,
    userPrefix: 'w',
    seed: random.between(0, 2 ** 31),
    logFile: join(folder, `window-${couponId}.log`),
    secondTryShare: 0,
    freshShare: 0.2,
  });
  try {
    await client.moreDecided(600);
    await sleep(random.between(0, 1_000));
    const wipedMs = Date.now();
    await wipe(environment, how);
    await (await environment.service('redis')).start();
    await waitUntil(() => environment.operator.gateIsOpen(couponId), {
      what: 'the gate is open again',
      timeoutMs: REBUILT_WITHIN_MS,
      intervalMs: 100,
    });
    await client.moreDecided(300);
    const attempts = await client.finish();
    await environment.waitUntilDrained(couponId);
    const facts = await environment.readFacts(couponId);
    const held = new Map(facts.mysql.map(({ userId, rank }) => [userId, rank]));
    const told = attempts.filter(({ answer }) => answer?.status === 200);
    const lostAt = told
      .filter(({ userId, answer }) => held.get(userId) !== answer!.rank)
      .map(({ sentMs, answer }) => sentMs + answer!.durationMs);
    const ranks = facts.mysql.map(({ rank }) => rank);
    return {
      how,
      lost: lostAt.length,
      spanMs: lostAt.length === 0 ? 0 : Math.max(...lostAt) - Math.min(...lostAt),
      issuedInSecondBefore: told.filter(({ sentMs }) => sentMs >= wipedMs - 1_000 && sentMs < wipedMs).length,
      duplicated: facts.mysql.length - held.size,
      oversold: ranks.length - new Set(ranks).size + ranks.filter((rank) => rank > facts.total).length,
    };
  } finally {
    client.kill();
  }
}
