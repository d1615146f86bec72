import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './programs.js';
import { httpStatus } from './http-status.js';
import { plainEnvironment, type ServiceSpec } from './service-spec.js';

/** InfluxDB 1.x for load-test samples: optional, no part of the topology, started by whoever measures. */
export function influxdbService(options: { folder: string; port: number; backupPort: number }): ServiceSpec {
  const program = findProgram('influxd');
  if (!program) {
    throw new Error('InfluxDB 1.x is not installed (Debian, Ubuntu: sudo apt-get install -y influxdb)');
  }
  const folder = join(options.folder, 'influxdb');
  return {
    name: 'influxdb',
    port: options.port,
    command: program,
    args: [],
    env: {
      ...plainEnvironment(),
      HOME: folder,
      INFLUXDB_REPORTING_DISABLED: 'true',
      INFLUXDB_BIND_ADDRESS: `127.0.0.1:${options.backupPort}`,
      INFLUXDB_META_DIR: join(folder, 'meta'),
      INFLUXDB_DATA_DIR: join(folder, 'data'),
      INFLUXDB_DATA_WAL_DIR: join(folder, 'wal'),
      // The query log would be the largest file of the instance.
      INFLUXDB_DATA_QUERY_LOG_ENABLED: 'false',
      INFLUXDB_HTTP_LOG_ENABLED: 'false',
      // The first who comes makes the account (compare/open-influx.ts); from then on nobody gets in without it.
      INFLUXDB_HTTP_AUTH_ENABLED: 'true',
      INFLUXDB_HTTP_PING_AUTH_ENABLED: 'false',
      INFLUXDB_MONITOR_STORE_ENABLED: 'false',
      INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${options.port}`,
      // One push of k6 is one write; above the default limit it is refused, and the samples are gone without an error.
      INFLUXDB_HTTP_MAX_BODY_SIZE: '0',
    },
    prepare: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    },
    isReady: async () => (await httpStatus(`http://127.0.0.1:${options.port}/ping`)) === 204,
    readyTimeoutMs: 60_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 30_000,
  };
}
