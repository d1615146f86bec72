import { openStack } from '../../stack/index.js';
import { ensureTool } from '../../stack/install.js';
import { Influx, k6Database, metricsDatabase } from '../../loadtest/compare/influx.js';
import { Collector } from './collector.js';
import { nativeSources } from './native-sources.js';

/** `make metrics`: InfluxDB beside the native stack, filled every second until Ctrl-C. */
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const stack = await openStack({ mode: 'native', onProgress: say });
ensureTool('influxd', say);
const database = await stack.service!('influxdb');
await database.start();
const influx = new Influx(`http://127.0.0.1:${database.port}`);
for (const name of [k6Database, metricsDatabase]) await influx.createDatabase(name);
const { sources, close } = await nativeSources(stack);
const collector = new Collector(influx, sources, say);
collector.start();
say(
  `Collecting from ${sources.length} sources into ${influx.url}, database ${metricsDatabase}. Ctrl-C ends it.`,
);
say(`Samples of k6: K6_OUT=influxdb=${influx.url}/${k6Database} make peak`);
await new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
});
await collector.stop();
await close();
