import { setTimeout as sleep } from 'node:timers/promises';
import { requireMode } from '../../stack/types.js';
import type { FaultScenario } from '../scenario.js';
import { TcpProxy } from '../tcp-proxy.js';

const ROUNDS = 3;
/** Only one scenario runs at a time. */
let proxy: TcpProxy | undefined;

export const badNetwork: FaultScenario = {
  number: 14,
  fault: 'network delay and loss between API and Redis (proxy)',
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 200,
  sellsOutAfterMs: 25_000,
  modes: ['native'],
  async prepare(environment) {
    const { port } = await requireMode(environment.stack, 'native').service('redis');
    const listening = await TcpProxy.listen(port);
    proxy = listening;
    return { env: { REDIS_PORT: String(listening.port) }, end: async () => listening.close() };
  },
  // A delay may pass unnoticed; that nothing at all does means that the api does not go through the proxy.
  check: (_run, { attempts }) =>
    attempts.some(({ answer }) => answer?.status === 503)
      ? []
      : ['no client noticed anything of the network'],
  async execute({ random, client, inject, pause }) {
    const network = proxy!;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const kind of random.shuffle(['delay', 'stall', 'cut', 'swallow'] as const)) {
        await pause(100, 600);
        if (kind === 'delay') {
          const [delayMs, jitterMs] = [random.between(20, 150), random.between(0, 300)];
          const slow = async () => {
            network.delay(delayMs, jitterMs);
            await sleep(1_500);
          };
          await inject(`${delayMs} to ${delayMs + jitterMs} ms later`, slow, async () => network.delay(0, 0));
        } else if (kind === 'stall') {
          const lost = async () => {
            network.stall();
            await pause(300, 2_000);
          };
          await inject('nothing comes through for a while', lost, async () => network.flow());
        } else if (kind === 'cut') await inject('every connection is reset', async () => network.cut());
        else await inject('every connection goes dead', async () => network.swallow());
        await client.moreDecided(150);
      }
    }
  },
};
