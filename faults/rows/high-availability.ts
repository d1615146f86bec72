import type { ComposeStack } from '../../stack/compose.js';
import { HaRedis } from '../ha-redis.js';
import type { RowPlan, Scene } from '../row.js';
import type { World } from '../world.js';
import { open } from './open-scene.js';

const haRedis = (world: World): HaRedis => new HaRedis(world.stack as ComposeStack);

/** docker-compose.ha.yml: a primary, two replicas, three sentinels. One replica must confirm. */
const ha = {
  shape: () => ({ api: 3, worker: 1, env: {} }),
  rate: 150,
  sellsOutAfterMs: 60_000,
  modes: ['compose'],
  // With its data: the rows of a single Redis must not start on it.
  prepare: (world: World) =>
    Promise.resolve({ env: { HA: '1' }, end: () => (world.stack as ComposeStack).destroy() }),
} satisfies Partial<RowPlan>;

export const primaryKilled: RowPlan = {
  ...ha,
  number: 18,
  fault: 'Redis primary killed, a replica promoted, the old one back as a replica',
  async play(given) {
    const { world, client, inject, times, pause } = open(given);
    const redis = haRedis(world);
    for (let i = 0; i < times(3); i += 1) {
      await pause(300, 1_500);
      const lost = await redis.primary();
      await inject(
        `kill ${lost}, the primary`,
        async () => {
          await world.actors.kill(lost);
          await redis.untilAnotherIsPromoted(lost);
        },
        async () => {
          await world.actors.start(lost);
          await redis.untilItFollows(lost);
        },
      );
      await client.moreDecided(150);
    }
  },
};

/** What the cut off primary was asked, and said. */
const asked = async (redis: HaRedis, service: string): Promise<number> =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.redis(service, 'info commandstats'))?.[1] ?? 0);

/** Rounds in which nobody asked the cut off primary, or in which it took a write: by campaign. */
const strange = new Map<number, string[]>();

/**
 * The primary, a sentinel and a replica of the api on one side, everybody else on the other. The front door reaches both
 * sides: a replica of the api that goes on with the old primary must not promise anything.
 */
async function splitOnce(scene: Scene, faults: string[]): Promise<void> {
  const { world, couponId, inject, pause } = scene;
  const redis = haRedis(world);
  const old = await redis.primary();
  // The primary last: a sentinel that still saw the others while it was missing would learn of the promotion.
  const minority = ['sentinel-1', 'api', old].map((service) => ({ service, number: 1 }));
  await inject(
    `cut off ${old}, sentinel-1 and api-1`,
    async () => {
      await redis.cutOff(minority);
      await redis.untilAnotherIsPromoted(old);
      const before = await asked(redis, old);
      await pause(2_000, 5_000);
      const said = await redis.callFirstApi(couponId, 'on-the-wrong-side');
      if (!said.startsWith('503')) faults.push(`api-1, cut off with the old primary, answered ${said}`);
      if ((await redis.primary('sentinel-1')) !== old)
        faults.push('the sentinel cut off with it names another');
      if ((await asked(redis, old)) === before)
        faults.push(`nobody asked the old primary, the split was none: api-1 answered ${said}`);
      const answer = await redis.redis(old, 'set split-brain 1');
      if (!answer.includes('NOREPLICAS')) faults.push(`the old primary answered a write with ${answer}`);
    },
    async () => {
      await redis.heal(minority);
      await redis.untilItFollows(old);
    },
  );
}

export const primaryCutOff: RowPlan = {
  ...ha,
  number: 19,
  fault: 'Redis primary cut off with a sentinel and a replica of the api (split brain), then healed',
  async play(given) {
    const scene = open(given);
    const faults: string[] = [];
    strange.set(scene.couponId, faults);
    for (let i = 0; i < scene.times(3); i += 1) {
      await scene.pause(300, 1_500);
      await splitOnce(scene, faults);
      await scene.client.moreDecided(150);
    }
  },
  check: ({ couponId }) => strange.get(couponId) ?? [],
};

export const primaryDiskLost: RowPlan = {
  ...ha,
  number: 20,
  fault: 'Redis primary lost with its disk and started again empty before the sentinels notice',
  async play(given) {
    const { world, client, inject, times, pause } = open(given);
    const redis = haRedis(world);
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
