import { explain } from '../common/command-line.js';
import { Influx, k6Database, metricsDatabase } from '../common/influx.js';
import { readEnvironment } from '../stack/env-file.js';
import { ensureTool } from '../stack/install.js';
import { isFree, portOwner } from '../stack/native/port-owner.js';
import { openNativeStack } from '../stack/native/native-stack.js';
import { openStack } from '../stack/open-stack.js';
import { requireMode, type StackMode } from '../stack/types.js';
import { readInfluxLogin } from '../loadtest/influx-login.js';

const DASHBOARD = '/d/coupon-rush-compare';

export interface OpenInflux {
  readonly influx: Influx;
  /** Its process, if it is one of this machine. */
  readonly pid?: number | undefined;
  /** Where to look at what is written, for people. */
  readonly dashboards: string;
  /** Leaves InfluxDB running or stopped, as it was found. The data stay. */
  readonly close: () => Promise<void>;
}

interface Found extends Omit<OpenInflux, 'influx'> {
  readonly url: string;
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/ping`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** @throws when it does not answer: whoever names one wants the samples there and nowhere else */
async function given(url: string): Promise<Found> {
  if (!(await answers(url)))
    throw new Error(
      `INFLUXDB_URL is ${url}, and nothing answers at ${url}/ping: start that InfluxDB, or unset INFLUXDB_URL to use the project's own`,
    );
  const dashboards = `Samples and curves are in ${url}, database ${k6Database}: the Grafana that reads it shows them under ${DASHBOARD}`;
  return { url, dashboards, close: () => Promise.resolve() };
}

/** The InfluxDB of the default instance, not one of the comparison's own instance: there nobody would find the data. */
async function native(say: (line: string) => void): Promise<Found> {
  ensureTool('influxd', say);
  const stack = await openNativeStack({});
  const service = await stack.service('influxdb');
  const ran = service.pid !== undefined;
  // Another program's answer there would pass for that of an InfluxDB that never started.
  if (!ran && !(await isFree(service.port)))
    throw new Error(
      `port ${service.port} is taken by ${portOwner(service.port) ?? 'another process'}: set NATIVE_INFLUXDB_PORT to another one, or INFLUXDB_URL to an InfluxDB that runs`,
    );
  await service.start();
  const { pid } = await stack.service('influxdb');
  const url = `http://127.0.0.1:${service.port}`;
  return {
    url,
    pid,
    dashboards: `Samples and curves are in InfluxDB (${url}; it runs while a comparison does): any Grafana with grafana/provisioning and INFLUXDB_URL=${url} shows them under ${DASHBOARD}`,
    close: async () => {
      if (!ran) await service.stop();
    },
  };
}

/** The InfluxDB of the default project, whose volume the documented Grafana shows. */
async function compose(): Promise<Found> {
  const environment = readEnvironment();
  const stack = requireMode(await openStack({ mode: 'compose' }), 'compose');
  const ran = (await stack.containers('influxdb')).some(({ running }) => running);
  const close = async () => {
    if (ran) return;
    await stack.compose(['--profile', 'metrics', 'rm', '--stop', '--force', 'influxdb']);
    // It came with the project's networks, which nothing uses when the rest of the project is not there.
    if ((await stack.containers()).length === 0) await stack.down();
  };
  try {
    await stack.compose(['up', '--detach', '--wait', '--no-deps', 'influxdb']);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  const command = 'docker compose --profile metrics up -d grafana';
  const [container] = await stack.containers('influxdb');
  return {
    pid: container?.pid,
    url: `http://127.0.0.1:${environment['INFLUXDB_PORT'] ?? 8086}`,
    dashboards: `To see samples and curves: ${command}, then http://localhost:${environment['GRAFANA_PORT'] ?? 3000}${DASHBOARD}`,
    close,
  };
}

/**
 * The InfluxDB of INFLUXDB_URL (environment or `.env`), else that of the default instance, started unless it runs; null,
 * with a line that says why, where there is none.
 *
 * @throws when INFLUXDB_URL names one that does not answer
 */
export async function openInflux(mode: StackMode, say: (line: string) => void): Promise<OpenInflux | null> {
  const named = readEnvironment()['INFLUXDB_URL']?.replace(/\/+$/, '');
  let found: Found;
  try {
    found = await (named ? given(named) : mode === 'native' ? native(say) : compose());
  } catch (error) {
    if (named) throw error;
    say(
      `Without InfluxDB: ${explain(error)}\n  Samples are not counted there, and the dashboards stay empty`,
    );
    return null;
  }
  const influx = new Influx(found.url, readInfluxLogin());
  try {
    // In somebody else's InfluxDB nobody makes accounts.
    if (!named) await influx.ensureAccount();
    for (const database of [k6Database, metricsDatabase]) await influx.createDatabase(database);
  } catch (error) {
    await found.close();
    throw error;
  }
  return { influx, pid: found.pid, dashboards: found.dashboards, close: found.close };
}
