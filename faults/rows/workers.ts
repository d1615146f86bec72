import { setTimeout as sleep } from 'node:timers/promises';
import { allPartitions, CONSUMER_GROUP, streamKey } from '../../api/src/redis/keys.js';
import { waitUntil } from '../../stack/wait-until.js';
import { withRedis } from '../redis-link.js';
import type { RowPlan } from '../row.js';
import { CLAIM_IDLE_MS, type World } from '../world.js';
import { open } from './open-scene.js';

export const workerKilled: RowPlan = {
  number: 11,
  fault: 'worker killed 20 times',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 30_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  async play(given) {
    const { world, inject, times, pause } = open(given);
    for (let i = 0; i < times(20); i += 1) {
      await pause(20, 900);
      await inject(
        'kill worker-1',
        () => world.actors.kill('worker-1'),
        () => world.actors.start('worker-1'),
      );
    }
  },
};

const FREEZES = 3;

/** Stops the worker while entries are delivered to it and not yet settled, if that can be had within the time. */
async function freezeWithEntriesInHand(world: World, name: string): Promise<boolean> {
  return await withRedis(world.stack, async (redis) => {
    const inHand = async () => {
      for (const partition of allPartitions()) {
        const pending = await redis.xpending(streamKey(partition), CONSUMER_GROUP, '-', '+', 1, name);
        if (pending.length > 0) return true;
      }
      return false;
    };
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const caught = await waitUntil(inHand, { what: 'entries in hand', timeoutMs: 500, intervalMs: 0 }).then(
        () => true,
        () => false,
      );
      await world.actors.freeze(name);
      if (caught && (await inHand())) return true;
      await world.actors.thaw(name);
    }
    await world.actors.freeze(name);
    return false;
  });
}

export const workerFrozen: RowPlan = {
  number: 12,
  fault: 'two workers, one stopped longer than the claim time and resumed',
  shape: () => ({ api: 2, worker: 2, env: {} }),
  rate: 300,
  sellsOutAfterMs: 18_000,
  modes: ['native'],
  clientsNoticeNothing: true,
  async play(given) {
    const { world, random, client, inject, note } = open(given);
    let inHand = 0;
    for (let i = 0; i < FREEZES; i += 1) {
      const name = random.pick(['worker-1', 'worker-2']);
      await inject(
        `freeze ${name} for longer than the claim time`,
        async () => {
          if (await freezeWithEntriesInHand(world, name)) inHand += 1;
          await sleep(CLAIM_IDLE_MS * 2);
        },
        () => world.actors.thaw(name),
      );
      await client.moreDecided(100);
    }
    note(`${inHand} of ${FREEZES} times the stopped worker had entries in hand`);
  },
};
