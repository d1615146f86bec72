import { ReplicaCaps } from '../../loadtest/replica-caps.js';
import type { FaultScenario } from '../scenario.js';
import { INSTANCE } from '../environment.js';

const REPLICAS = 3;
/** CPUs of each replica: so little that the client can ask for several times of what all of them issue. */
const CPUS = 0.06;
const OVERLOAD_FACTOR = 6;
/** Fewer refusals than this a fault would not be overload. */
const REFUSED_PER_FAULT = 100;
const KILLED = ['api-1', 'worker-1', 'api-2', 'redis', 'api-3', 'nginx'];
const ROUNDS = 2;

export const overloadWithKills: FaultScenario = {
  number: 23,
  fault: 'parts killed while several times the capacity is asked for',
  shape: () => ({ api: REPLICAS, worker: 1, env: {} }),
  rate: 250,
  sellsOutAfterMs: 40_000,
  modes: ['native'],
  async execute(run) {
    const { environment, random, client, rate, inject, pause, note } = run;
    const caps = new ReplicaCaps(environment.stack, INSTANCE);
    const cap = async () => {
      const fault = await caps.set(CPUS);
      if (fault !== null) throw new Error(`replicas cannot be capped: ${fault}`);
    };
    await cap();
    try {
      client.setRate(rate * OVERLOAD_FACTOR);
      for (const name of Array.from({ length: run.times(ROUNDS) }, () => random.shuffle(KILLED)).flat()) {
        await client.moreDecided(300);
        await pause(100, 900);
        await inject(
          `kill ${name}`,
          async () => {
            await (await environment.service(name)).kill();
            await pause(50, 700);
          },
          async () => {
            await (await environment.service(name)).start();
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
  check(run, { attempts }) {
    const { injections } = run;
    const refused = attempts.filter(({ answer }) => answer?.code === 'overloaded').length;
    run.note(`${refused} calls were refused as overload`);
    return refused >= injections.length * REFUSED_PER_FAULT
      ? []
      : [`only ${refused} calls were refused as overload: nobody was overloaded`];
  },
};
