import type { RowPlan } from '../row.js';
import { open } from './open-scene.js';

const PARTS = ['nginx', 'api-1', 'api-2', 'worker-1', 'redis', 'database'];

export const everythingKilled: RowPlan = {
  number: 17,
  clientsMustNotice: true,
  fault: 'everything killed at once and started again',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 200,
  sellsOutAfterMs: 16_000,
  modes: ['native'],
  async play(given) {
    const { world, random, client, inject, pause } = open(given);
    for (let i = 0; i < 3; i += 1) {
      await pause(200, 1_500);
      await inject(
        'kill everything',
        async () => {
          await Promise.all(random.shuffle(PARTS).map((name) => world.actors.kill(name)));
        },
        () => world.stack.up({ api: 2, worker: 1 }),
      );
      await client.moreDecided(300);
    }
  },
};
