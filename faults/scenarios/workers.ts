import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../common/wait-until.js';
import { awaitEntriesInHand, entriesInHand } from '../entries-in-hand.js';
import { withRedis } from '../redis-link.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';
import { CLAIM_IDLE_MS } from '../environment.js';

const KILLED = 'worker-1';
const IN_HAND_WITHIN_MS = 500;
/** Kills that left entries in the worker's hands. Only one scenario runs at a time. */
let killedInHand = 0;

/** Every second time at a moment when the worker was seen with entries in hand; the others at any moment. */
async function killWorker({ environment, couponId }: ScenarioRun, chosen: boolean): Promise<void> {
  if (environment.mode !== 'native') return await (await environment.service(KILLED)).kill();
  await withRedis(environment.stack, async (redis) => {
    if (chosen) await awaitEntriesInHand(redis, couponId, KILLED, IN_HAND_WITHIN_MS);
    await (await environment.service(KILLED)).kill();
    if ((await entriesInHand(redis, couponId, KILLED)).length > 0) killedInHand += 1;
  });
}

export const workerKilled: FaultScenario = {
  number: 11,
  fault: 'worker killed 20 times',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 60_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  async execute(run) {
    const { environment, inject, times, pause, note } = run;
    killedInHand = 0;
    for (let i = 0; i < times(20); i += 1) {
      await pause(20, 900);
      await inject(
        `kill ${KILLED}`,
        () => killWorker(run, i % 2 === 0),
        async () => (await environment.service(KILLED)).start(),
      );
    }
    if (environment.mode === 'native') note(`${killedInHand} times the killed worker had entries in hand`);
  },
  check: ({ environment }) =>
    environment.mode === 'native' && killedInHand === 0 ? ['no killed worker had entries in hand'] : [],
};

const FREEZES = 3;
const CAUGHT_WITHIN_MS = 60_000;
/** Longer than the claim time, and than a claim takes afterwards. */
const FROZEN_MS = CLAIM_IDLE_MS * 2;

/**
 * Stops the worker while entries are delivered to it and not yet settled, which are what the other one must take over.
 * Returns their ids. @throws when that cannot be had within the time: such a freeze would show nothing
 */
async function freezeWithEntriesInHand(
  { environment, couponId }: ScenarioRun,
  name: string,
): Promise<string[]> {
  return await withRedis(environment.stack, async (redis) => {
    let inHand: string[] = [];
    const caught = async () => {
      await awaitEntriesInHand(redis, couponId, name, IN_HAND_WITHIN_MS);
      await (await environment.service(name)).freeze();
      inHand = await entriesInHand(redis, couponId, name);
      if (inHand.length === 0) await (await environment.service(name)).thaw();
      return inHand.length > 0;
    };
    const what = `${name} is stopped with entries in hand`;
    await waitUntil(caught, { what, timeoutMs: CAUGHT_WITHIN_MS, intervalMs: 0 });
    return inHand;
  });
}

/** Entries that nobody took over. Only one scenario runs at a time. */
let leftInHand = 0;

export const workerFrozen: FaultScenario = {
  number: 12,
  fault: 'two workers, one stopped longer than the claim time and resumed',
  shape: () => ({ api: 2, worker: 2, env: {} }),
  rate: 300,
  // Only while something is issued a worker has entries in hand.
  sellsOutAfterMs: null,
  modes: ['native'],
  clientsNoticeNothing: true,
  async execute(run) {
    const { environment, couponId, random, client, inject, note } = run;
    leftInHand = 0;
    for (let i = 0; i < FREEZES; i += 1) {
      const name = random.pick(['worker-1', 'worker-2']);
      await inject(
        `freeze ${name} for longer than the claim time`,
        async () => {
          const inHand = await freezeWithEntriesInHand(run, name);
          await sleep(FROZEN_MS);
          const left = await withRedis(environment.stack, (redis) => entriesInHand(redis, couponId, name));
          const same = left.filter((id) => inHand.includes(id));
          leftInHand += same.length;
          note(`${name} was stopped with ${inHand.length} entries in hand, ${same.length} not taken over`);
        },
        async () => (await environment.service(name)).thaw(),
      );
      await client.moreDecided(100);
    }
  },
  check: () =>
    leftInHand > 0 ? [`${leftInHand} entries of a stopped worker were not taken over by the other one`] : [],
};
