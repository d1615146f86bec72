import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultScenario, ScenarioRun, Seen } from '../scenario.js';
import { countIssuedWhileAway } from '../effects.js';

const shape = () => ({ api: 3, worker: 1, env: {} });
const AWAY_MS = 30_000;

/** With nothing issued meanwhile there was nothing that the stream had to keep. */
const checkBuffered = ({ injections }: ScenarioRun, { attempts }: Seen): string[] =>
  countIssuedWhileAway(injections, attempts) > 0 ? [] : ['nothing was issued while the database was away'];

export const databaseKilled: FaultScenario = {
  number: 9,
  fault: 'MySQL killed and restarted',
  shape,
  rate: 300,
  sellsOutAfterMs: 20_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  check: checkBuffered,
  async execute({ environment, client, inject, times, pause }) {
    for (let i = 0; i < times(5); i += 1) {
      await pause(200, 1_500);
      await inject(
        'kill database',
        async () => {
          await (await environment.service('database')).kill();
          await pause(0, 1_000);
        },
        async () => (await environment.service('database')).start(),
      );
      await client.moreDecided(100);
    }
  },
};

export const databaseAway: FaultScenario = {
  number: 10,
  fault: 'MySQL away for 30 s',
  shape,
  rate: 200,
  sellsOutAfterMs: null,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  check: checkBuffered,
  async execute({ environment, inject, pause }) {
    await pause(200, 1_000);
    await inject(
      `database away for ${AWAY_MS} ms`,
      async () => {
        await (await environment.service('database')).stop();
        await sleep(AWAY_MS);
      },
      async () => (await environment.service('database')).start(),
    );
  },
};
