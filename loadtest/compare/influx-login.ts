import { readEnvironment } from '../../stack/env-file.js';

/** The account of InfluxDB: of the project's own, or of the one that INFLUXDB_URL names. */
export interface InfluxLogin {
  readonly user: string;
  readonly password: string;
}

/** Null without a password: an InfluxDB of somebody else, without authentication. */
export function readInfluxLogin(environment = readEnvironment()): InfluxLogin | null {
  const password = environment['INFLUXDB_PASSWORD'];
  return password ? { user: environment['INFLUXDB_USER'] ?? 'coupon-rush', password } : null;
}

/** What k6's InfluxDB output reads. Never as part of an URL: arguments are for everybody to see. */
export function k6InfluxEnvironment(login = readInfluxLogin()): Record<string, string> {
  return login ? { K6_INFLUXDB_USERNAME: login.user, K6_INFLUXDB_PASSWORD: login.password } : {};
}
