import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { instanceFolder } from '../../common/paths.js';
import { waitUntil } from '../../common/wait-until.js';
import { withRedis } from '../redis-link.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';
import { INSTANCE, type TestEnvironment } from '../environment.js';

const shape = () => ({ api: 3, worker: 1, env: {} });
const REBUILT_WITHIN_MS = 30_000;
const FROZEN_MS = 5_000;

export const redisKilled: FaultScenario = {
  number: 5,
  clientsMustNotice: true,
  fault: 'Redis killed and restarted',
  shape,
  rate: 300,
  sellsOutAfterMs: 20_000,
  modes: ['native', 'compose'],
  async execute({ environment, client, inject, times, pause }) {
    for (let i = 0; i < times(6); i += 1) {
      await pause(300, 1_500);
      await inject(
        'kill redis',
        async () => {
          await (await environment.service('redis')).kill();
          await pause(0, 800);
        },
        async () => (await environment.service('redis')).start(),
      );
      await client.moreDecided(200);
    }
  },
};

export const redisFrozen: FaultScenario = {
  number: 6,
  clientsMustNotice: true,
  fault: 'Redis stopped (SIGSTOP) for 5 s',
  shape,
  rate: 200,
  sellsOutAfterMs: 30_000,
  modes: ['native', 'compose'],
  async execute({ environment, client, inject, pause }) {
    for (let i = 0; i < 3; i += 1) {
      await pause(200, 1_200);
      await inject(
        `freeze redis for ${FROZEN_MS} ms`,
        async () => {
          await (await environment.service('redis')).freeze();
          await sleep(FROZEN_MS);
        },
        async () => (await environment.service('redis')).thaw(),
      );
      await client.moreDecided(200);
    }
  },
  check: (_run, { attempts }) => {
    const slow = attempts.filter(({ answer }) => answer?.status === 503 && answer.durationMs > 2_500).length;
    return slow > 0 ? [`${slow} clients waited longer than 2.5 s for a 503`] : [];
  },
};

/** Its disk is lost: the process and its data folder, or everything in it. */
export async function wipe(environment: TestEnvironment, how: 'disk' | 'flush'): Promise<void> {
  if (how === 'flush') {
    await withRedis(environment.stack, (redis) => redis.flushall());
    return;
  }
  await (await environment.service('redis')).kill();
  await rm(join(instanceFolder(INSTANCE), 'redis'), { recursive: true, force: true });
}

export const untilGateOpen = (run: ScenarioRun): Promise<void> =>
  waitUntil(() => run.environment.operator.gateIsOpen(run.couponId), {
    what: 'the gate is open again',
    timeoutMs: REBUILT_WITHIN_MS,
    intervalMs: 100,
  });

const rebuildByForce = ({ environment, couponId }: ScenarioRun): Promise<void> =>
  environment.stack.ops(['rebuild', '--coupon', String(couponId), '--force'], { onLine: () => undefined });

/**
 * Everything promised is in MySQL when the disk goes: nobody comes in that moment, the rush goes on in the next. What
 * happens in the middle of a burst is the window of loss: see window-of-loss.ts.
 */
export const redisWiped: FaultScenario = {
  number: 7,
  fault: 'Redis wiped when drained, and rebuilt by force mid-burst (mid-burst wipe: see windowOfLoss)',
  shape,
  rate: 300,
  sellsOutAfterMs: 25_000,
  modes: ['native'],
  async execute(run) {
    const { environment, client, couponId, rate, inject, pause } = run;
    for (const how of ['disk', 'flush', 'disk', 'flush'] as const) {
      await pause(300, 1_500);
      client.setRate(0);
      await client.untilNobodyWaits();
      await environment.waitUntilDrained(couponId);
      await inject(
        `wipe redis (${how})`,
        async () => {
          await wipe(environment, how);
          client.setRate(rate);
          await pause(100, 600);
        },
        async () => (await environment.service('redis')).start(),
      );
      await untilGateOpen(run);
      await client.moreDecided(300);
    }
    // In the middle of the burst, and the worker sees the gate missing too: one of the two opens it.
    for (let i = 0; i < 2; i += 1) {
      await pause(300, 1_200);
      await inject('an operator rebuilds by force', () => rebuildByForce(run));
      await client.moreDecided(300);
    }
  },
};
