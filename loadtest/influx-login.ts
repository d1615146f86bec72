import type { InfluxLogin } from '../common/influx.js';
import { readEnvironment } from '../stack/env-file.js';

/** The account of the project's own InfluxDB, or of the one that INFLUXDB_URL names; null without a password. */
export function readInfluxLogin(environment = readEnvironment()): InfluxLogin | null {
  const password = environment['INFLUXDB_PASSWORD'];
  return password ? { user: environment['INFLUXDB_USER'] ?? 'coupon-rush', password } : null;
}

/** What k6's InfluxDB output reads. Never as part of an URL: arguments are for everybody to see. */
export function k6InfluxEnvironment(login = readInfluxLogin()): Record<string, string> {
  return login ? { K6_INFLUXDB_USERNAME: login.user, K6_INFLUXDB_PASSWORD: login.password } : {};
}
