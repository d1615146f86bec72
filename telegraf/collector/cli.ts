import { runMain, say } from '../../common/command-line.js';
import { Influx, k6Database, metricsDatabase } from '../../common/influx.js';
import { readInfluxLogin } from '../../loadtest/compare/influx-login.js';
import { ensureTool } from '../../stack/install.js';
import { openStack } from '../../stack/open-stack.js';
import type { Stack } from '../../stack/types.js';
import { Collector } from './collector.js';
import { nativeSources } from './native-sources.js';

const LOOK_AGAIN_MS = 5_000;

/** Later signals change nothing: what was started here is being stopped. */
const untilInterrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });

async function collect(stack: Stack, influx: Influx, interrupted: Promise<void>): Promise<void> {
  await influx.ensureAccount();
  for (const name of [k6Database, metricsDatabase]) await influx.createDatabase(name);
  const native = await nativeSources(stack);
  const collector = new Collector(influx, native.sources, say);
  // A look that fails is made up for by the next one.
  const looking = setInterval(() => void native.lookAgain().catch(() => undefined), LOOK_AGAIN_MS);
  try {
    collector.start();
    const count = native.sources().length;
    say(`Collecting from ${count} sources into ${influx.url}, database ${metricsDatabase}. Ctrl-C ends it.`);
    say(`Samples of k6: K6_OUT=influxdb=${influx.url}/${k6Database} make peak`);
    await interrupted;
  } finally {
    clearInterval(looking);
    await collector.stop();
    await native.close();
  }
}

/** `make metrics`: InfluxDB beside the native stack, filled every second until Ctrl-C. Its data stay. */
async function main(): Promise<number> {
  const stack = await openStack({ mode: 'native', onProgress: say });
  if (!(await stack.isUp())) throw new Error('the native stack is not up: run `make up MODE=native` first');
  ensureTool('influxd', say);
  const interrupted = untilInterrupted();
  const database = await stack.service!('influxdb');
  const startedHere = database.pid === undefined;
  try {
    await database.start();
    await collect(stack, new Influx(`http://127.0.0.1:${database.port}`, readInfluxLogin()), interrupted);
  } finally {
    if (startedHere) await database.stop();
  }
  return 0;
}

await runMain(main);
