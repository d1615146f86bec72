import type { Secrets } from '../env-file.js';
import { databaseUser } from './database-service.js';

interface Where {
  readonly redisPort: number;
  readonly databasePort: number;
  readonly secrets: Secrets;
}

/** make's and npm's own variables, and what only the database server or Grafana may know. */
const withheld = /^(MYSQL_|GRAFANA_|MAKE|MFLAGS$|npm_)/;

/**
 * Environment of api, worker, migrate and ops. Ports and hosts are this instance's, whatever `.env` says for compose;
 * only an explicit override of the caller goes above them.
 */
export function appEnvironment(
  environment: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>>,
  { redisPort, databasePort, secrets }: Where,
): Record<string, string> {
  const inherited = Object.entries(environment).filter(([name]) => !withheld.test(name));
  const password = encodeURIComponent(secrets.MYSQL_PASSWORD);
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: 'production',
    TZ: 'UTC',
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redisPort),
    REDIS_PASSWORD: secrets.REDIS_PASSWORD,
    DATABASE_URL: `mysql://${databaseUser}:${password}@127.0.0.1:${databasePort}/coupons`,
    ADMIN_TOKEN: secrets.ADMIN_TOKEN,
    ...overrides,
  };
}
