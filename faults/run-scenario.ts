import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../common/wait-until.js';
import type { StackMode } from '../stack/types.js';
import { ClientProcess } from './client/client-process.js';
import { decideVerdict } from './verdict.js';
import type { Random } from '../common/random.js';
import type { Injection, FaultScenario, ScenarioResult, ScenarioRun } from './scenario.js';
import type { TestEnvironment } from './environment.js';

const MAX_USERS = 100_000;
const MAX_MS = 300_000;
/** Before the first fault the rush is on; after the last one it goes on. */
const USERS_AROUND = 100;
const NEVER_SOLD_OUT = 1_000_000;
const SECOND_TRY_SHARE = 0.1;
const FRESH_SHARE = 0.2;
/** Stock beyond what the faults are thought to take: on a busy machine they take longer, and must not meet a rush that is over. */
const STOCK_SHARE = 1.8;
/** What is left after the last fault is asked for faster, so that most scenarios end sold out. */
const LAST_RUSH_FACTOR = 2;
const LAST_RUSH_MS = 10_000;
const QUICK_DIVISOR = 4;
/** Everything that is done to containers takes longer, and the stock must last as long. */
const SLOWER_IN_COMPOSE = 2;

function chooseStock({ rate, sellsOutAfterMs }: FaultScenario, quick: boolean, mode: StackMode): number {
  if (sellsOutAfterMs === null) return NEVER_SOLD_OUT;
  const lastsMs =
    (sellsOutAfterMs * (mode === 'compose' ? SLOWER_IN_COMPOSE : 1)) / (quick ? QUICK_DIVISOR : 1);
  return Math.round((rate * lastsMs * STOCK_SHARE) / 1_000);
}

/** Until it is sold out, or the time is up: who is refused must be refused rightly after all the faults, too. */
async function finishRush(
  { environment, client, couponId, rate }: ScenarioRun,
  scenario: FaultScenario,
  total: number,
): Promise<void> {
  if (scenario.sellsOutAfterMs === null || scenario.stockRaised) return;
  if (!scenario.clientsNoticeNothing) client.setRate(rate * LAST_RUSH_FACTOR);
  const soldOut = async () => (await environment.admin.statistics(couponId)).issued >= total;
  const options = { what: 'it is sold out', timeoutMs: LAST_RUSH_MS, intervalMs: 500 };
  await waitUntil(soldOut, options).catch(() => undefined);
  client.setRate(rate);
}

class Run implements ScenarioRun {
  readonly injections: Injection[] = [];
  readonly notes: string[] = [];
  lettersExpected = 0;

  constructor(
    readonly environment: TestEnvironment,
    readonly random: Random,
    readonly client: ClientProcess,
    readonly couponId: number,
    readonly rate: number,
    private readonly quick: boolean,
    private readonly print: (line: string) => void,
  ) {}

  /* As properties: scenarios take a run apart. */
  readonly times = (whole: number): number => (this.quick ? Math.ceil(whole / QUICK_DIVISOR) : whole);

  readonly inject: ScenarioRun['inject'] = async (what, act, lift) => {
    const injection = { what, atMs: Date.now(), liftedMs: Date.now() };
    this.injections.push(injection);
    await act();
    if (!lift) return;
    injection.liftedMs = Date.now();
    await lift();
  };

  readonly pause = async (leastMs: number, mostMs: number): Promise<void> => {
    await sleep(this.random.between(leastMs, mostMs));
  };

  readonly expectDeadLetters = (count: number): void => {
    this.lettersExpected += count;
  };

  readonly note = (line: string): void => {
    this.notes.push(line);
    this.print(`    ${line}`);
  };
}

export interface RunOptions {
  environment: TestEnvironment;
  quick: boolean;
  random: Random;
  /** For the client's log; emptied by and by. */
  folder: string;
  print: (line: string) => void;
}

/** One scenario: the stack in its shape, a campaign of its own, the rush, the faults, drain, audit. */
export async function runScenario(
  scenario: FaultScenario,
  { environment, quick, random, folder, print }: RunOptions,
): Promise<ScenarioResult> {
  const startedMs = Date.now();
  const prepared = await scenario.prepare?.(environment);
  const shape = scenario.shape(random);
  await environment.reshape({ ...shape, env: { ...shape.env, ...prepared?.env } });
  const total = chooseStock(scenario, quick, environment.mode);
  await environment.admin.closeAllCampaigns();
  const createdMs = Date.now();
  const couponId = await environment.admin.createCampaign(`faults ${scenario.number}`, total);
  const created = {
    op: 'create',
    couponId,
    total,
    startMs: createdMs,
    endMs: Date.now(),
    outcome: 'ok',
  } as const;
  environment.operations.splice(0, Infinity, created);
  const lettersBefore = (await environment.readFacts(couponId)).deadLetters;
  await mkdir(folder, { recursive: true });
  const logFile = join(folder, `scenario-${scenario.number}-${couponId}.log`);
  const client = new ClientProcess({
    frontUrl: environment.stack.frontUrl,
    couponId,
    rate: scenario.rate,
    maxUsers: MAX_USERS,
    maxMs: MAX_MS,
    userPrefix: `f${scenario.number}u`,
    seed: random.between(0, 2 ** 31),
    logFile,
    secondTryShare: SECOND_TRY_SHARE,
    freshShare: FRESH_SHARE,
  });
  const run = new Run(environment, random, client, couponId, scenario.rate, quick, print);
  try {
    await client.moreDecided(USERS_AROUND);
    await scenario.execute(run);
    await finishRush(run, scenario, total);
    await client.moreDecided(USERS_AROUND);
    const attempts = await client.finish();
    const drainedMs = await environment.waitUntilDrained(couponId);
    const result = await decideVerdict(environment, {
      scenario,
      run,
      attempts,
      drainedMs,
      durationMs: Date.now() - startedMs,
      notes: run.notes,
      lettersBefore,
      lettersExpected: run.lettersExpected,
    });
    // The history has all of it.
    await rm(logFile, { force: true });
    return result;
  } finally {
    client.kill();
    await prepared?.end();
  }
}
