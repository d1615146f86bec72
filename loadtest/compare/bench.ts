import { delimiter, join } from 'node:path';
import { openStack, type ServiceControl, type Stack } from '../../stack/index.js';
import type { ComposeStack } from '../../stack/compose.js';
import { ensureTool } from '../../stack/install.js';
import { provideK6 } from '../index.js';
import { projectRoot } from '../project-root.js';
import { patientEnvironment, type Bench } from './context.js';
import { Influx, k6Database, metricsDatabase } from './influx.js';
import type { CompareOptions } from './options.js';
import { ReplicaCaps } from './replica-caps.js';

/** An instance of its own: neither its data nor its stretched time limits meet those of the default stack. */
const INSTANCE = 'compare';

/** Grafana and Telegraf are under a profile and stay out. */
const composeFiles = (root: string): string =>
  ['docker-compose.yml', 'docker-compose.metrics.yml'].map((file) => join(root, file)).join(delimiter);

const isThere = (url: string): Promise<boolean> =>
  fetch(`${url}/ping`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Starts the InfluxDB of this instance, unless it runs, and returns its address. */
async function startInflux(stack: Stack, say: (line: string) => void): Promise<string> {
  if (stack.service) {
    ensureTool('influxd', say);
    const service: ServiceControl = await stack.service('influxdb');
    await service.start();
    return `http://127.0.0.1:${service.port}`;
  }
  await (stack as ComposeStack).compose(['up', '--detach', '--wait', '--no-deps', 'influxdb']);
  return `http://127.0.0.1:${process.env['INFLUXDB_PORT'] ?? 8086}`;
}

/** The InfluxDB of INFLUXDB_URL, else that of this instance; null where there is none. */
async function openInflux(stack: Stack, say: (line: string) => void): Promise<Influx | null> {
  let url = process.env['INFLUXDB_URL'];
  if (!url) {
    try {
      url = await startInflux(stack, say);
    } catch (error) {
      say(`Without InfluxDB: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (!url || !(await isThere(url))) return null;
  const influx = new Influx(url);
  for (const database of [k6Database, metricsDatabase]) await influx.createDatabase(database);
  return influx;
}

/** Everything a comparison needs, and nothing left behind: the stack goes down again, InfluxDB's data stay. */
export async function withBench<T>(
  options: CompareOptions,
  tools: { say: (line: string) => void; signal: AbortSignal },
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const { say, signal } = tools;
  const root = projectRoot();
  const k6 = await provideK6({ root, onProgress: say, signal });
  const stack = await openStack({
    name: INSTANCE,
    // `make compare API_CPUS=…` sets it for everything that make starts; replicas are capped once they are warm.
    env: { ...patientEnvironment, API_CPUS: '0', COMPOSE_FILE: composeFiles(root) },
    ...(options.mode && { mode: options.mode }),
  });
  const caps = new ReplicaCaps(stack, INSTANCE);
  try {
    await stack.up({ api: options.replicas[0]!, signal });
    const influx = options.influx ? await openInflux(stack, say) : null;
    if (options.influx && !influx)
      say('No InfluxDB: samples are not counted there, and the dashboards stay empty');
    return await work({ stack, caps, k6, root, influx, say, signal });
  } finally {
    say('Stack: down');
    await caps.lift();
    // A service under a profile is none of `down`'s, and would hold on to the network.
    if (stack.mode === 'compose')
      await (stack as ComposeStack).compose(['rm', '--stop', '--force', 'influxdb']);
    await stack.down();
  }
}
