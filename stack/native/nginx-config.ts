import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { projectRoot } from '../../common/paths.js';

const templates = join(projectRoot, 'nginx', 'templates');
const suffix = '.template';

export type NginxVariables = Readonly<Record<string, string>>;

/** What envsubst does in the image. @throws when a variable has no value */
export function renderTemplate(text: string, variables: NginxVariables): string {
  return text.replaceAll(/\$\{(NGINX_\w+)\}/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`${name} has no value for nginx/templates`);
    return value;
  });
}

/** The values of compose, without those of `.env` that it puts in for `${NAME:-otherwise}`. */
export function defaultNginxVariables(): NginxVariables {
  const values = parseEnv(readFileSync(join(projectRoot, 'nginx', 'compose.env'), 'utf8'));
  const plain = (value = '') => value.replace(/^\$\{\w+:-(.*)\}$/, '$1');
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, plain(value)]));
}

/**
 * Without `resolve` (nginx 1.22) the replicas are listed, and nginx is reloaded when they change.
 *
 * @param addresses `host:port` of each replica
 */
export const upstreamList = (addresses: readonly string[], bound: string): string =>
  upstream('api', addresses, AVOID_FAILED) +
  upstream('api_bounded', addresses, `${AVOID_FAILED} max_conns=${bound}`) +
  upstream('api_last', addresses, 'max_fails=0');

const AVOID_FAILED = 'max_fails=10 fail_timeout=1s';

const upstream = (name: string, addresses: readonly string[], settings: string): string => `\
upstream ${name} {
    zone ${name} 512k;
    include upstream-settings.conf;
${addresses.map((address) => `    server ${address} ${settings};\n`).join('')}}
`;

/**
 * Writes the configuration of one nginx.
 *
 * @returns a fingerprint of all of it
 */
export function writeNginxConfig(
  folder: string,
  variables: NginxVariables,
  apiPorts: readonly number[],
): string {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(templates).filter((name) => name.endsWith(suffix));
  const files = names.map((name) => {
    const text = readFileSync(join(templates, name), 'utf8');
    return [name.slice(0, -suffix.length), renderTemplate(text, variables)] as const;
  });
  const addresses = apiPorts.map((port) => `127.0.0.1:${port}`);
  const list = upstreamList(addresses, renderTemplate('${NGINX_ISSUE_BOUND}', variables));
  const fingerprint = createHash('sha256');
  for (const [name, text] of [...files, ['upstream-list.conf', list] as const]) {
    writeFileSync(join(folder, name), text);
    fingerprint.update(text);
  }
  return fingerprint.digest('hex');
}
