import { listNginxWorkers, untilServedBy } from '../compose-nginx.js';
import type { FaultScenario, ScenarioRun } from '../scenario.js';

const both = ['native', 'compose'] as const;
const REPLICAS = 3;
const chooseShape = (api: number) => () => ({ api, worker: 1, env: {} });
const apiNames = (count: number): string[] => Array.from({ length: count }, (_, i) => `api-${i + 1}`);

/** Killed at a random moment, and started again a little later. */
async function killAndStart(
  { environment, random, inject, pause }: ScenarioRun,
  name: string,
): Promise<void> {
  await pause(100, 900);
  await inject(
    `kill ${name}`,
    async () => {
      await (await environment.service(name)).kill();
      await pause(50, random.between(100, 700));
    },
    async () => (await environment.service(name)).start(),
  );
}

export const oneReplicaKilled: FaultScenario = {
  number: 1,
  fault: 'one API replica killed mid-burst',
  shape: chooseShape(REPLICAS),
  rate: 400,
  sellsOutAfterMs: 20_000,
  modes: both,
  async execute(run) {
    for (let i = 0; i < run.times(12); i += 1) await killAndStart(run, run.random.pick(apiNames(REPLICAS)));
  },
};

export const allButOneKilled: FaultScenario = {
  number: 2,
  fault: 'all but one replica killed one after the other',
  shape: chooseShape(REPLICAS),
  rate: 300,
  sellsOutAfterMs: 15_000,
  modes: both,
  async execute(run) {
    const { environment, random, client, inject, pause } = run;
    for (let round = 0; round < 3; round += 1) {
      const [last, ...others] = random.shuffle(apiNames(REPLICAS));
      for (const name of others) {
        await pause(100, 800);
        await inject(`kill ${name}, ${last} stays`, async () => (await environment.service(name)).kill());
      }
      await client.moreDecided(200);
      await Promise.all(others.map(async (name) => (await environment.service(name)).start()));
      await client.moreDecided(200);
    }
  },
};

export const rollingRestart: FaultScenario = {
  number: 3,
  fault: 'rolling restart under load',
  shape: chooseShape(REPLICAS),
  rate: 600,
  sellsOutAfterMs: null,
  modes: both,
  clientsNoticeNothing: true,
  async execute({ environment, inject, pause }) {
    for (let round = 0; round < 2; round += 1) {
      for (const name of apiNames(REPLICAS)) {
        await inject(
          `restart ${name}`,
          async () => (await environment.service(name)).stop(),
          async () => (await environment.service(name)).start(),
        );
        await pause(100, 500);
      }
    }
  },
};

export const scaling: FaultScenario = {
  number: 4,
  fault: 'scale 4 → 1 → 4 under load',
  shape: chooseShape(4),
  rate: 300,
  sellsOutAfterMs: null,
  modes: both,
  clientsNoticeNothing: true,
  async execute({ environment: { stack }, client, inject, times }) {
    const workers = stack.mode === 'compose' ? await listNginxWorkers(stack) : '';
    for (let round = 0; round < times(2); round += 1) {
      for (const count of [1, 4]) {
        await inject(`scale to ${count}`, () => stack.scale(count));
        await client.moreDecided(300);
        if (stack.mode === 'compose') await untilServedBy(stack, count);
      }
    }
    if (stack.mode === 'compose' && (await listNginxWorkers(stack)) !== workers)
      throw new Error('nginx was reloaded: its resolver must see the replicas without that');
  },
};
