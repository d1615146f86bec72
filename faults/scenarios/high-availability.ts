import { requireMode } from '../../stack/types.js';
import { HaRedis } from '../ha-redis.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';
import type { TestEnvironment } from '../environment.js';

const haRedis = (environment: TestEnvironment): HaRedis =>
  new HaRedis(requireMode(environment.stack, 'compose'));

/** docker-compose.ha.yml: a primary, two replicas, three sentinels. One replica must confirm. */
const ha = {
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 150,
  sellsOutAfterMs: 60_000,
  modes: ['compose'],
  // With its data: the scenarios of a single Redis must not start on it.
  prepare: (environment: TestEnvironment) =>
    Promise.resolve({ env: { HA: '1' }, end: () => requireMode(environment.stack, 'compose').destroy() }),
} satisfies Partial<FaultScenario>;

export const primaryKilled: FaultScenario = {
  ...ha,
  number: 18,
  fault: 'Redis primary killed, a replica promoted, the old one back as a replica',
  async execute({ environment, client, inject, times, pause }) {
    const redis = haRedis(environment);
    for (let i = 0; i < times(3); i += 1) {
      await pause(300, 1_500);
      const lost = await redis.primary();
      await inject(
        `kill ${lost}, the primary`,
        async () => {
          await (await environment.service(lost)).kill();
          await redis.untilAnotherIsPromoted(lost);
        },
        async () => {
          await (await environment.service(lost)).start();
          await redis.untilItFollows(lost);
        },
      );
      await client.moreDecided(150);
    }
  },
};

/** What was wrong on the wrong side of a split, by campaign. */
const strange = new Map<number, string[]>();

/**
 * The primary, a sentinel and a replica of the api on one side, everybody else on the other. The front door reaches both
 * sides: a replica of the api that goes on with the old primary must not promise anything.
 */
async function splitOnce(run: ScenarioRun, faults: string[]): Promise<void> {
  const { environment, couponId, inject, pause } = run;
  const redis = haRedis(environment);
  const old = await redis.primary();
  // The primary last: a sentinel that still saw the others while it was missing would learn of the promotion.
  const minority = ['sentinel-1', 'api', old].map((service) => ({ service, number: 1 }));
  await inject(
    `cut off ${old}, sentinel-1 and api-1`,
    async () => {
      await redis.cutOff(minority);
      await redis.untilAnotherIsPromoted(old);
      await pause(2_000, 5_000);
      const said = await redis.callFirstApi(couponId, 'on-the-wrong-side');
      if (!said.startsWith('503')) faults.push(`api-1, cut off with the old primary, answered ${said}`);
      if ((await redis.primary('sentinel-1')) !== old)
        faults.push('the sentinel cut off with it names another');
      if (!(await redis.hasClient(old, 'api')))
        faults.push(`api-1 did not find the old primary, the split was none: it answered ${said}`);
      const answer = await redis.redis(old, 'set split-brain 1');
      if (!answer.includes('NOREPLICAS')) faults.push(`the old primary answered a write with ${answer}`);
    },
    async () => {
      await redis.heal(minority);
      await redis.untilItFollows(old);
    },
  );
}

export const primaryCutOff: FaultScenario = {
  ...ha,
  number: 19,
  fault: 'Redis primary cut off with a sentinel and a replica of the api (split brain), then healed',
  async execute(run) {
    const faults: string[] = [];
    strange.set(run.couponId, faults);
    for (let i = 0; i < run.times(3); i += 1) {
      await run.pause(300, 1_500);
      await splitOnce(run, faults);
      await run.client.moreDecided(150);
    }
  },
  check: ({ couponId }) => strange.get(couponId) ?? [],
};

export const primaryDiskLost: FaultScenario = {
  ...ha,
  number: 20,
  fault: 'Redis primary lost with its disk and started again empty before the sentinels notice',
  async execute({ environment, client, inject, times, pause }) {
    const redis = haRedis(environment);
    for (let i = 0; i < times(3); i += 1) {
      await pause(300, 1_500);
      const lost = await redis.primary();
      await inject(
        `kill ${lost}, the primary, and remove its volume`,
        () => redis.loseDiskAndRestart(lost),
        async () => {
          await redis.untilAnotherIsPromoted(lost);
          await redis.untilItFollows(lost);
        },
      );
      await client.moreDecided(150);
    }
  },
};
