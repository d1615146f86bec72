import type { RowPlan } from '../row.js';
import { open } from './open-scene.js';

export const nginxKilled: RowPlan = {
  number: 13,
  clientsMustNotice: true,
  fault: 'nginx killed and restarted (clients retry)',
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 14_000,
  modes: ['native', 'compose'],
  async play(given) {
    const { world, client, inject, pause } = open(given);
    for (let i = 0; i < 6; i += 1) {
      await pause(100, 1_200);
      await inject(
        'kill nginx',
        async () => {
          await world.actors.kill('nginx');
          await pause(0, 600);
        },
        () => world.actors.start('nginx'),
      );
      await client.moreDecided(100);
    }
  },
};
