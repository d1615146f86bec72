import { delimiter, join } from 'node:path';
import type { ComposeStack } from '../../stack/compose.js';
import { readEnvironment } from '../../stack/env-file.js';
import { openStack, type StackMode } from '../../stack/index.js';
import { ensureTool } from '../../stack/install.js';
import { explain } from '../command-line.js';
import { Influx, k6Database, metricsDatabase } from './influx.js';

export interface OpenInflux {
  /** Null: samples are not counted there, and the dashboards stay empty. */
  readonly influx: Influx | null;
  /** Where the figures can be looked at, for people. */
  readonly dashboards: string;
  /** Stops what was started here; the data stay. */
  close(): Promise<void>;
}

interface Started {
  readonly url: string;
  readonly dashboards: string;
  close(): Promise<void>;
}

type Say = (line: string) => void;

/** Grafana and Telegraf are under a profile and stay out. */
export const composeFiles = (root: string): string =>
  ['docker-compose.yml', 'docker-compose.metrics.yml'].map((file) => join(root, file)).join(delimiter);

/** The default instance's: `make metrics` serves the same data. */
async function startNative(say: Say): Promise<Started> {
  ensureTool('influxd', say);
  const stack = await openStack({ mode: 'native' });
  const service = await stack.service!('influxdb');
  const ranBefore = service.pid !== undefined;
  await service.start();
  return {
    url: `http://127.0.0.1:${service.port}`,
    dashboards: 'make up MODE=native && make metrics, and a Grafana with grafana/provisioning',
    close: async () => {
      if (!ranBefore) await service.stop();
    },
  };
}

/** The default project's, with its volume: the Grafana that the documentation starts shows the same data. */
async function startCompose(root: string): Promise<Started> {
  const stack = (await openStack({
    mode: 'compose',
    env: { COMPOSE_FILE: composeFiles(root) },
  })) as ComposeStack;
  const ranBefore = (await stack.containers('influxdb')).some(({ running }) => running);
  await stack.compose(['up', '--detach', '--wait', '--no-deps', 'influxdb']);
  return {
    url: `http://127.0.0.1:${readEnvironment()['INFLUXDB_PORT'] ?? 8086}`,
    dashboards:
      'docker compose -f docker-compose.yml -f docker-compose.metrics.yml --profile metrics up -d, then http://localhost:3000',
    close: async () => {
      // A service under a profile is none of `down`'s, and would hold on to the network.
      if (!ranBefore) await stack.compose(['rm', '--stop', '--force', 'influxdb']);
    },
  };
}

async function withDatabases(url: string): Promise<Influx> {
  const influx = new Influx(url);
  for (const database of [k6Database, metricsDatabase]) await influx.createDatabase(database);
  return influx;
}

/**
 * The InfluxDB of INFLUXDB_URL, else that of the default instance, which is started when it does not run.
 *
 * @throws when INFLUXDB_URL is set and nothing answers there; one of our own that does not start is only said
 */
export async function openInflux(mode: StackMode, root: string, say: Say): Promise<OpenInflux> {
  const given = readEnvironment()['INFLUXDB_URL'];
  if (given) {
    const influx = await withDatabases(given).catch((cause: unknown) => {
      throw new Error('InfluxDB does not answer at INFLUXDB_URL: start it, or unset the variable', { cause });
    });
    return { influx, dashboards: 'the Grafana of that InfluxDB', close: () => Promise.resolve() };
  }
  let started: Started | undefined;
  try {
    started = mode === 'native' ? await startNative(say) : await startCompose(root);
    return { influx: await withDatabases(started.url), dashboards: started.dashboards, close: started.close };
  } catch (err) {
    await started?.close().catch(() => undefined);
    say(`No InfluxDB, so samples are not counted there and the dashboards stay empty: ${explain(err)}`);
    return { influx: null, dashboards: '', close: () => Promise.resolve() };
  }
}
