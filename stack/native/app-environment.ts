import type { Secrets } from '../env-file.js';
import { databaseUrl, redisLogin, type Account } from './accounts.js';

interface Where {
  readonly account: Account;
  readonly redisPort: number;
  readonly databasePort: number;
  readonly secrets: Secrets;
}

/** make's and npm's own variables, and the secrets of others. */
const withheld = /^(MYSQL_|REDIS_[A-Z]+_PASSWORD$|METRICS_|INFLUXDB_|SENTINEL_|GRAFANA_|MAKE|MFLAGS$|npm_)/;

/**
 * Environment of api, worker, migrate and ops. Ports and hosts are this instance's, whatever `.env` says for compose;
 * only an explicit override of the caller goes above them.
 */
export function appEnvironment(
  environment: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>>,
  { account, redisPort, databasePort, secrets }: Where,
): Record<string, string> {
  const inherited = Object.entries(environment).filter(([name]) => !withheld.test(name));
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: 'production',
    TZ: 'UTC',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redisPort),
    ...redisLogin(account, secrets),
    DATABASE_URL: databaseUrl(account, secrets, databasePort),
    ADMIN_TOKEN: secrets.ADMIN_TOKEN,
    ...overrides,
  };
}
