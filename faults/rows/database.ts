import { setTimeout as sleep } from 'node:timers/promises';
import type { RowPlan, Scene, Seen } from '../row.js';
import { countIssuedWhileAway } from '../effects.js';
import { open } from './open-scene.js';

const shape = () => ({ api: 3, worker: 1, env: {} });
const AWAY_MS = 30_000;

/** With nothing issued meanwhile there was nothing that the stream had to keep. */
const checkBuffered = ({ injections }: Scene, { attempts }: Seen): string[] =>
  countIssuedWhileAway(injections, attempts) > 0 ? [] : ['nothing was issued while the database was away'];

export const databaseKilled: RowPlan = {
  number: 9,
  fault: 'MySQL killed and restarted',
  shape,
  rate: 300,
  sellsOutAfterMs: 20_000,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  check: checkBuffered,
  async play(given) {
    const { world, client, inject, times, pause } = open(given);
    for (let i = 0; i < times(5); i += 1) {
      await pause(200, 1_500);
      await inject(
        'kill database',
        async () => {
          await world.actors.kill('database');
          await pause(0, 1_000);
        },
        () => world.actors.start('database'),
      );
      await client.moreDecided(100);
    }
  },
};

export const databaseAway: RowPlan = {
  number: 10,
  fault: 'MySQL away for 30 s',
  shape,
  rate: 200,
  sellsOutAfterMs: null,
  modes: ['native', 'compose'],
  clientsNoticeNothing: true,
  check: checkBuffered,
  async play(given) {
    const { world, inject, pause } = open(given);
    await pause(200, 1_000);
    await inject(
      `database away for ${AWAY_MS} ms`,
      async () => {
        await world.actors.stop('database');
        await sleep(AWAY_MS);
      },
      () => world.actors.start('database'),
    );
  },
};
