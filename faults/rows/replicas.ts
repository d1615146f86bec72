import type { RowPlan, Scene } from '../row.js';
import { open } from './open-scene.js';

const both = ['native', 'compose'] as const;
const REPLICAS = 3;
const shapeOf = (api: number) => () => ({ api, worker: 1, env: {} });
const apiNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `api-${i + 1}`);

/** Killed at a random moment, and started again a little later. */
async function killAndStart({ world, random, inject, pause }: Scene, name: string): Promise<void> {
  await pause(100, 900);
  await inject(
    `kill ${name}`,
    async () => {
      await world.actors.kill(name);
      await pause(50, random.between(100, 700));
    },
    () => world.actors.start(name),
  );
}

export const oneReplicaKilled: RowPlan = {
  number: 1,
  fault: 'one API replica killed mid-burst',
  shape: shapeOf(REPLICAS),
  rate: 400,
  sellsOutAfterMs: 20_000,
  modes: both,
  async play(given) {
    const scene = open(given);
    for (let i = 0; i < scene.times(12); i += 1)
      await killAndStart(scene, scene.random.pick(apiNames(REPLICAS)));
  },
};

export const allButOneKilled: RowPlan = {
  number: 2,
  fault: 'all but one replica killed one after the other',
  shape: shapeOf(REPLICAS),
  rate: 300,
  sellsOutAfterMs: 15_000,
  modes: both,
  async play(given) {
    const scene = open(given);
    const { world, random, client, inject, pause } = scene;
    for (let round = 0; round < 3; round += 1) {
      const [last, ...others] = random.shuffle(apiNames(REPLICAS));
      for (const name of others) {
        await pause(100, 800);
        await inject(`kill ${name}, ${last} stays`, () => world.actors.kill(name));
      }
      await client.moreDecided(200);
      await Promise.all(others.map((name) => world.actors.start(name)));
      await client.moreDecided(200);
    }
  },
};

export const rollingRestart: RowPlan = {
  number: 3,
  fault: 'rolling restart under load',
  shape: shapeOf(REPLICAS),
  rate: 600,
  sellsOutAfterMs: null,
  modes: both,
  clientsNoticeNothing: true,
  async play(given) {
    const { world, inject, pause } = open(given);
    for (let round = 0; round < 2; round += 1) {
      for (const name of apiNames(REPLICAS)) {
        await inject(
          `restart ${name}`,
          () => world.actors.stop(name),
          () => world.actors.start(name),
        );
        await pause(100, 500);
      }
    }
  },
};

export const scaling: RowPlan = {
  number: 4,
  fault: 'scale 4 → 1 → 4 under load',
  shape: shapeOf(4),
  rate: 300,
  sellsOutAfterMs: null,
  modes: both,
  clientsNoticeNothing: true,
  async play(given) {
    const { world, client, inject } = open(given);
    for (let round = 0; round < 2; round += 1) {
      for (const count of [1, 4]) {
        await inject(`scale to ${count}`, () => world.stack.scale(count));
        await client.moreDecided(300);
      }
    }
  },
};
