import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../common/wait-until.js';
import type { StackMode } from '../stack/types.js';
import { ClientProcess } from './client/client-process.js';
import { judge } from './judge.js';
import type { Random } from './random.js';
import type { Injection, RowPlan, RowResult, Scene } from './row.js';
import type { World } from './world.js';

const MAX_USERS = 100_000;
const MAX_MS = 300_000;
/** Before the first fault the rush is on; after the last one it goes on. */
const USERS_AROUND = 100;
const NEVER_SOLD_OUT = 1_000_000;
const SECOND_TRY_SHARE = 0.1;
const FRESH_SHARE = 0.2;
/** Stock beyond what the faults are thought to take: on a busy machine they take longer, and must not meet a rush that is over. */
const STOCK_SHARE = 1.8;
/** What is left after the last fault is asked for faster, so that most rows end sold out. */
const LAST_RUSH_FACTOR = 2;
const LAST_RUSH_MS = 10_000;
const QUICK_DIVISOR = 4;
/** Everything that is done to containers takes longer, and the stock must last as long. */
const SLOWER_IN_COMPOSE = 2;

function stockOf({ rate, sellsOutAfterMs }: RowPlan, quick: boolean, mode: StackMode): number {
  if (sellsOutAfterMs === null) return NEVER_SOLD_OUT;
  const lastsMs =
    (sellsOutAfterMs * (mode === 'compose' ? SLOWER_IN_COMPOSE : 1)) / (quick ? QUICK_DIVISOR : 1);
  return Math.round((rate * lastsMs * STOCK_SHARE) / 1_000);
}

/** Until it is sold out, or the time is up: who is refused must be refused rightly after all the faults, too. */
async function finishRush(
  { world, client, couponId, rate }: Scene,
  plan: RowPlan,
  total: number,
): Promise<void> {
  if (plan.sellsOutAfterMs === null || plan.stockRaised) return;
  if (!plan.clientsNoticeNothing) client.setRate(rate * LAST_RUSH_FACTOR);
  const soldOut = async () => (await world.admin.statistics(couponId)).issued >= total;
  const options = { what: 'it is sold out', timeoutMs: LAST_RUSH_MS, intervalMs: 500 };
  await waitUntil(soldOut, options).catch(() => undefined);
  client.setRate(rate);
}

class RowScene implements Scene {
  readonly injections: Injection[] = [];
  readonly notes: string[] = [];
  lettersExpected = 0;

  constructor(
    readonly world: World,
    readonly random: Random,
    readonly client: ClientProcess,
    readonly couponId: number,
    readonly rate: number,
    private readonly quick: boolean,
    private readonly print: (line: string) => void,
  ) {}

  times(whole: number): number {
    return this.quick ? Math.ceil(whole / QUICK_DIVISOR) : whole;
  }

  async inject(what: string, act: () => Promise<void>, lift?: () => Promise<void>): Promise<void> {
    const injection = { what, atMs: Date.now(), liftedMs: Date.now() };
    this.injections.push(injection);
    await act();
    if (!lift) return;
    injection.liftedMs = Date.now();
    await lift();
  }

  async pause(leastMs: number, mostMs: number): Promise<void> {
    await sleep(this.random.between(leastMs, mostMs));
  }

  expectDeadLetters(count: number): void {
    this.lettersExpected += count;
  }

  note(line: string): void {
    this.notes.push(line);
    this.print(`    ${line}`);
  }
}

export interface PlayOptions {
  world: World;
  quick: boolean;
  random: Random;
  /** For the client's log; emptied by and by. */
  folder: string;
  print: (line: string) => void;
}

/** One row: the stack in its shape, a campaign of its own, the rush, the faults, drain, audit. */
export async function playRow(
  plan: RowPlan,
  { world, quick, random, folder, print }: PlayOptions,
): Promise<RowResult> {
  const startedMs = Date.now();
  const prepared = await plan.prepare?.(world);
  const shape = plan.shape(random);
  await world.take({ ...shape, env: { ...shape.env, ...prepared?.env } });
  const total = stockOf(plan, quick, world.mode);
  await world.admin.closeAllCampaigns();
  const createdMs = Date.now();
  const couponId = await world.admin.createCampaign(`faults row ${plan.number}`, total);
  const created = {
    op: 'create',
    couponId,
    total,
    startMs: createdMs,
    endMs: Date.now(),
    outcome: 'ok',
  } as const;
  world.operations.splice(0, Infinity, created);
  const lettersBefore = (await world.facts(couponId)).deadLetters;
  await mkdir(folder, { recursive: true });
  const logFile = join(folder, `row-${plan.number}-${couponId}.log`);
  const client = new ClientProcess({
    frontUrl: world.stack.frontUrl,
    couponId,
    rate: plan.rate,
    maxUsers: MAX_USERS,
    maxMs: MAX_MS,
    userPrefix: `r${plan.number}u`,
    seed: random.between(0, 2 ** 31),
    logFile,
    secondTryShare: SECOND_TRY_SHARE,
    freshShare: FRESH_SHARE,
  });
  const scene = new RowScene(world, random, client, couponId, plan.rate, quick, print);
  try {
    await client.moreDecided(USERS_AROUND);
    await plan.play(scene);
    await finishRush(scene, plan, total);
    await client.moreDecided(USERS_AROUND);
    const attempts = await client.finish();
    const drainedMs = await world.drained(couponId);
    const result = await judge(world, {
      plan,
      scene,
      attempts,
      drainedMs,
      durationMs: Date.now() - startedMs,
      notes: scene.notes,
      lettersBefore,
      lettersExpected: scene.lettersExpected,
    });
    // The history has all of it.
    await rm(logFile, { force: true });
    return result;
  } finally {
    client.kill();
    await prepared?.end();
  }
}
