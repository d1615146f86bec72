import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../common/wait-until.js';
import { awaitEntriesInHand, entriesInHand } from '../entries-in-hand.js';
import { withRedis } from '../redis-link.js';
import type { RowPlan, Scene } from '../row.js';
import { CLAIM_IDLE_MS } from '../world.js';
import { open } from './open-scene.js';

const KILLED = 'worker-1';
const IN_HAND_WITHIN_MS = 500;
/** Kills that left entries in the worker's hands. Row 11 is one at a time. */
let killedInHand = 0;

/** Every second time at a moment when the worker was seen with entries in hand; the others at any moment. */
async function killWorker({ world, couponId }: Scene, chosen: boolean): Promise<void> {
  if (world.mode !== 'native') return await world.actors.kill(KILLED);
  await withRedis(world.stack, async (redis) => {
    if (chosen) await awaitEntriesInHand(redis, couponId, KILLED, IN_HAND_WITHIN_MS);
    await world.actors.kill(KILLED);
    if ((await entriesInHand(redis, couponId, KILLED)).length > 0) killedInHand += 1;
  });
}

export const workerKilled: RowPlan = {
  number: 11,
  fault: 'worker killed 20 times',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 60_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  async play(given) {
    const scene = open(given);
    const { world, inject, times, pause, note } = scene;
    killedInHand = 0;
    for (let i = 0; i < times(20); i += 1) {
      await pause(20, 900);
      await inject(
        `kill ${KILLED}`,
        () => killWorker(scene, i % 2 === 0),
        () => world.actors.start(KILLED),
      );
    }
    if (world.mode === 'native') note(`${killedInHand} times the killed worker had entries in hand`);
  },
  check: ({ world }) =>
    world.mode === 'native' && killedInHand === 0 ? ['no killed worker had entries in hand'] : [],
};

const FREEZES = 3;
const CAUGHT_WITHIN_MS = 60_000;
/** Longer than the claim time, and than a claim takes afterwards. */
const FROZEN_MS = CLAIM_IDLE_MS * 2;

/**
 * Stops the worker while entries are delivered to it and not yet settled, which are what the other one must take over.
 * Returns their ids. @throws when that cannot be had within the time: such a freeze would show nothing
 */
async function freezeWithEntriesInHand({ world, couponId }: Scene, name: string): Promise<string[]> {
  return await withRedis(world.stack, async (redis) => {
    let inHand: string[] = [];
    const caught = async () => {
      await awaitEntriesInHand(redis, couponId, name, IN_HAND_WITHIN_MS);
      await world.actors.freeze(name);
      inHand = await entriesInHand(redis, couponId, name);
      if (inHand.length === 0) await world.actors.thaw(name);
      return inHand.length > 0;
    };
    const what = `${name} is stopped with entries in hand`;
    await waitUntil(caught, { what, timeoutMs: CAUGHT_WITHIN_MS, intervalMs: 0 });
    return inHand;
  });
}

/** Entries that nobody took over. Row 12 is one at a time. */
let leftInHand = 0;

export const workerFrozen: RowPlan = {
  number: 12,
  fault: 'two workers, one stopped longer than the claim time and resumed',
  shape: () => ({ api: 2, worker: 2, env: {} }),
  rate: 300,
  // Only while something is issued a worker has entries in hand.
  sellsOutAfterMs: null,
  modes: ['native'],
  clientsNoticeNothing: true,
  async play(given) {
    const scene = open(given);
    const { world, couponId, random, client, inject, note } = scene;
    leftInHand = 0;
    for (let i = 0; i < FREEZES; i += 1) {
      const name = random.pick(['worker-1', 'worker-2']);
      await inject(
        `freeze ${name} for longer than the claim time`,
        async () => {
          const inHand = await freezeWithEntriesInHand(scene, name);
          await sleep(FROZEN_MS);
          const left = await withRedis(world.stack, (redis) => entriesInHand(redis, couponId, name));
          const same = left.filter((id) => inHand.includes(id));
          leftInHand += same.length;
          note(`${name} was stopped with ${inHand.length} entries in hand, ${same.length} not taken over`);
        },
        () => world.actors.thaw(name),
      );
      await client.moreDecided(100);
    }
  },
  check: () =>
    leftInHand > 0 ? [`${leftInHand} entries of a stopped worker were not taken over by the other one`] : [],
};
