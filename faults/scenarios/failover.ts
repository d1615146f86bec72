import { join } from 'node:path';
import { instanceFolder } from '../../common/paths.js';
import type { FaultScenario } from '../scenario.js';
import { SentinelSet } from '../sentinels.js';
import { INSTANCE } from '../environment.js';

const FAILOVERS = 3;
/** Only one scenario runs at a time. */
let sentinels: SentinelSet | undefined;

/**
 * An issue counts when the replica has it (`REDIS_MIN_REPLICAS=1`): the disk of the primary may be lost in the middle of a
 * burst. Until the lost one is back nothing can be confirmed, so clients repeat.
 */
export const primaryLost: FaultScenario = {
  number: 8,
  clientsMustNotice: true,
  fault: 'Redis primary lost mid-burst with its disk, the confirmed replica promoted',
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 150,
  sellsOutAfterMs: 25_000,
  modes: ['native'],
  async prepare() {
    const set = new SentinelSet(join(instanceFolder(INSTANCE), 'sentinels'));
    sentinels = set;
    await set.start();
    return { env: set.env, end: () => set.stop() };
  },
  async execute({ client, inject, pause }) {
    const set = sentinels!;
    for (let i = 0; i < FAILOVERS; i += 1) {
      await pause(300, 1_500);
      let lost = 0;
      await inject(
        'lose the primary and its disk',
        async () => {
          lost = await set.losePrimary();
          await set.untilAnotherIsPromoted(lost);
        },
        () => set.rejoin(lost),
      );
      await client.moreDecided(150);
    }
  },
};
