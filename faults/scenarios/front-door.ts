import type { FaultScenario } from '../scenario.js';

export const nginxKilled: FaultScenario = {
  number: 13,
  clientsMustNotice: true,
  fault: 'nginx killed and restarted (clients retry)',
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 300,
  sellsOutAfterMs: 14_000,
  modes: ['native', 'compose'],
  async execute({ environment, client, inject, pause }) {
    for (let i = 0; i < 6; i += 1) {
      await pause(100, 1_200);
      await inject(
        'kill nginx',
        async () => {
          await (await environment.service('nginx')).kill();
          await pause(0, 600);
        },
        async () => (await environment.service('nginx')).start(),
      );
      await client.moreDecided(100);
    }
  },
};
