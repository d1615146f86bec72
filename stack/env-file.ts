import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { envFile, projectRoot } from '../common/paths.js';

const secretNames = [
  'REDIS_PASSWORD',
  'REDIS_API_PASSWORD',
  'REDIS_WORKER_PASSWORD',
  'REDIS_OPS_PASSWORD',
  'MYSQL_PASSWORD',
  'MYSQL_API_PASSWORD',
  'MYSQL_WORKER_PASSWORD',
  'MYSQL_OPS_PASSWORD',
  'MYSQL_ROOT_PASSWORD',
  'METRICS_PASSWORD',
  'ADMIN_TOKEN',
] as const;
/** Compose reads the last ones, for its metrics and for sentinels: a native stack starts without them. */
const generatedNames = [
  ...secretNames,
  'INFLUXDB_PASSWORD',
  'GRAFANA_PASSWORD',
  'SENTINEL_PASSWORD',
] as const;

export type Secrets = Readonly<Record<(typeof secretNames)[number], string>>;

/** Hexadecimal, so that it needs no quoting in URLs, SQL, redis.conf or YAML. */
const newSecret = (): string => randomBytes(24).toString('hex');

const readOr = (file: string, otherwise: string): string =>
  existsSync(file) ? readFileSync(file, 'utf8') : otherwise;

function withSecrets(text: string): string {
  let result = text;
  for (const name of generatedNames) {
    if (parseEnv(result)[name]) continue;
    const empty = new RegExp(`^${name}=.*$`, 'm');
    const line = `${name}=${newSecret()}`;
    result = empty.test(result) ? result.replace(empty, line) : `${result.replace(/\n?$/, '\n')}${line}\n`;
  }
  return result;
}

/**
 * Makes `.env` (mode 0600) from `.env.example` with random secrets, or adds the secrets an existing one lacks.
 * What is there is never changed. Native mode and compose read the same file.
 *
 * @returns whether anything was written
 */
export function ensureEnvFile(file = envFile, example = join(projectRoot, '.env.example')): boolean {
  const before = readOr(file, '');
  const after = withSecrets(existsSync(file) ? before : readOr(example, ''));
  if (existsSync(file) && after === before) return false;
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, after.replace(/^\n+/, ''), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  return true;
}

/** `.env` below the environment below the overrides, as compose does it; empty values count as absent. */
export function readEnvironment(overrides: Readonly<Record<string, string>> = {}): Record<string, string> {
  const layers = [parseEnv(readOr(envFile, '')), process.env, overrides];
  const all = layers.flatMap((layer) => Object.entries(layer));
  return Object.fromEntries(all.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** @throws when one of them is missing: call `ensureEnvFile` first */
export function readSecrets(environment: Readonly<Record<string, string>>): Secrets {
  const missing = secretNames.filter((name) => !environment[name]);
  if (missing.length > 0) throw new Error(`${missing.join(', ')} missing in .env: run \`make env\``);
  return Object.fromEntries(secretNames.map((name) => [name, environment[name]])) as Secrets;
}
