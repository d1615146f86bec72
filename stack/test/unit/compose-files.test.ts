import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../../common/paths.js';

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

const servicesOf = (text: string): string[] => {
  const services = /^services:\n((?: .*\n|\n)+)/m.exec(text)?.[1] ?? '';
  return [...services.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name]) => name!);
};

const blockOf = (text: string, service: string): string =>
  new RegExp(`^ {2}${service}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(text)?.[1] ?? '';

test('`docker compose up` starts the service alone: metrics, operator and load test are under profiles', () => {
  const text = read('docker-compose.yml');
  const behindProfile = (name: string) => /profiles: \[|<<: \*metrics/.test(blockOf(text, name));
  const all = servicesOf(text);
  const service = ['nginx', 'api', 'worker', 'migrate', 'redis', 'mysql', 'accounts'];
  expect(all.filter((name) => !behindProfile(name)).sort()).toEqual(service.sort());
  expect(all.filter(behindProfile).sort()).toEqual(['grafana', 'influxdb', 'k6', 'ops', 'telegraf']);
});

test('no container of the service depends on one of the metrics', () => {
  const text = read('docker-compose.yml');
  for (const name of ['nginx', 'api', 'worker', 'migrate', 'redis', 'mysql', 'accounts', 'ops', 'k6'])
    expect(blockOf(text, name)).not.toMatch(/^ {6}(influxdb|telegraf|grafana):/m);
});

test('every variable of the compose files is described in .env.example', () => {
  const texts = ['docker-compose.yml', 'docker-compose.ha.yml'].map(read).join('\n');
  const used = [...texts.matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => name!);
  const described = [...read('.env.example').matchAll(/^#?([A-Z0-9_]+)=/gm)].map(([, name]) => name!);
  const missing = [...new Set(used)].filter((name) => !described.includes(name));
  expect(missing).toEqual([]);
});
