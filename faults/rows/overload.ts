import { ReplicaCaps } from '../../loadtest/compare/replica-caps.js';
import type { RowPlan } from '../row.js';
import { INSTANCE } from '../world.js';
import { open } from './open-scene.js';

const REPLICAS = 3;
/** CPUs of each replica: so little that the client can ask for several times of what all of them issue. */
const CPUS = 0.06;
const OVERLOAD_FACTOR = 6;
/** Fewer refusals than this a fault would not be overload. */
const REFUSED_PER_FAULT = 100;
const KILLED = ['api-1', 'worker-1', 'api-2', 'redis', 'api-3', 'nginx'];
const ROUNDS = 2;

export const overloadWithKills: RowPlan = {
  number: 23,
  fault: 'parts killed while several times the capacity is asked for',
  shape: () => ({ api: REPLICAS, worker: 1, env: {} }),
  rate: 250,
  sellsOutAfterMs: 40_000,
  modes: ['native'],
  async play(given) {
    const scene = open(given);
    const { world, random, client, rate, inject, pause, note } = scene;
    const caps = new ReplicaCaps(world.stack, INSTANCE);
    const cap = async () => {
      const fault = await caps.set(CPUS);
      if (fault !== null) throw new Error(`replicas cannot be capped: ${fault}`);
    };
    await cap();
    try {
      client.setRate(rate * OVERLOAD_FACTOR);
      for (const name of Array.from({ length: scene.times(ROUNDS) }, () => random.shuffle(KILLED)).flat()) {
        await client.moreDecided(300);
        await pause(100, 900);
        await inject(
          `kill ${name}`,
          async () => {
            await world.actors.kill(name);
            await pause(50, 700);
          },
          async () => {
            await world.actors.start(name);
            await cap();
          },
        );
      }
      await client.moreDecided(300);
    } finally {
      await caps.lift();
      client.setRate(rate);
    }
    note(`each replica had ${CPUS} CPU; ${rate * OVERLOAD_FACTOR} users a second came`);
  },
  check(scene, { attempts }) {
    const { injections } = scene;
    const refused = attempts.filter(({ answer }) => answer?.code === 'overloaded').length;
    scene.note(`${refused} calls were refused as overload`);
    return refused >= injections.length * REFUSED_PER_FAULT
      ? []
      : [`only ${refused} calls were refused as overload: nobody was overloaded`];
  },
};
