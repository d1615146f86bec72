import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import type { Secrets } from '../env-file.js';

/** Each program has an account of its own in Redis and MySQL; `owner` may do everything: migrate, and what is no program of the service. */
export type Account = 'api' | 'worker' | 'ops' | 'owner';

const PLACEHOLDER = /\$\{([A-Z_]+)\}/g;

/** `redis/accounts.conf` with the passwords, as lines for redis.conf. */
export function redisAccounts(secrets: Secrets): string {
  const text = readFileSync(join(projectRoot, 'redis', 'accounts.conf'), 'utf8');
  return text.replaceAll(PLACEHOLDER, (_, name: string) => {
    const password = (secrets as Readonly<Record<string, string>>)[name];
    if (!password) throw new Error(`redis/accounts.conf asks for ${name}, which .env does not have`);
    return password;
  });
}

/** MySQL's accounts and their passwords. `coupon` owns the database; the others get their rights from prisma/grants.sql. */
export const databaseAccounts = (secrets: Secrets): Readonly<Record<string, string>> => ({
  coupon: secrets.MYSQL_PASSWORD,
  coupon_api: secrets.MYSQL_API_PASSWORD,
  coupon_worker: secrets.MYSQL_WORKER_PASSWORD,
  coupon_ops: secrets.MYSQL_OPS_PASSWORD,
  coupon_metrics: secrets.METRICS_PASSWORD,
});

const DATABASE_USER = {
  api: 'coupon_api',
  worker: 'coupon_worker',
  ops: 'coupon_ops',
  owner: 'coupon',
} as const satisfies Record<Account, string>;

export function databaseUrl(account: Account, secrets: Secrets, port: number): string {
  const user = DATABASE_USER[account];
  const password = encodeURIComponent(databaseAccounts(secrets)[user]!);
  return `mysql://${user}:${password}@127.0.0.1:${port}/coupons`;
}

/** REDIS_USERNAME and REDIS_PASSWORD of a program. */
export function redisLogin(account: Account, secrets: Secrets): Record<string, string> {
  if (account === 'owner') return { REDIS_PASSWORD: secrets.REDIS_PASSWORD };
  const password = {
    api: secrets.REDIS_API_PASSWORD,
    worker: secrets.REDIS_WORKER_PASSWORD,
    ops: secrets.REDIS_OPS_PASSWORD,
  }[account];
  return { REDIS_USERNAME: account, REDIS_PASSWORD: password };
}
