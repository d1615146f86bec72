import type { FaultScenario } from '../scenario.js';

const PARTS = ['nginx', 'api-1', 'api-2', 'worker-1', 'redis', 'database'];

export const everythingKilled: FaultScenario = {
  number: 17,
  clientsMustNotice: true,
  fault: 'everything killed at once and started again',
  shape: () => ({ api: 2, worker: 1, env: {} }),
  rate: 200,
  sellsOutAfterMs: 16_000,
  modes: ['native'],
  async execute({ environment, random, client, inject, pause }) {
    for (let i = 0; i < 3; i += 1) {
      await pause(200, 1_500);
      await inject(
        'kill everything',
        async () => {
          await Promise.all(
            random.shuffle(PARTS).map(async (name) => (await environment.service(name)).kill()),
          );
        },
        () => environment.stack.up({ api: 2, worker: 1 }),
      );
      await client.moreDecided(300);
    }
  },
};
