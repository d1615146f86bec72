import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '../../../common/paths.js';

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

const servicesOf = (text: string): string[] => {
  const services = /^services:\n((?: .*\n|\n)+)/m.exec(text)?.[1] ?? '';
  return [...services.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name]) => name!);
};

test('metrics beside the stack change none of its services but k6, so that `make up` recreates no replica', () => {
  const stack = servicesOf(read('docker-compose.yml'));
  expect(stack).toEqual(expect.arrayContaining(['nginx', 'api', 'worker', 'redis', 'mysql', 'k6']));
  const changed = servicesOf(read('docker-compose.metrics.yml')).filter((name) => stack.includes(name));
  expect(changed).toEqual(['k6']);
});

test('every variable of the compose files is described in .env.example', () => {
  const texts = ['docker-compose.yml', 'docker-compose.ha.yml', 'docker-compose.metrics.yml']
    .map(read)
    .join('\n');
  const used = [...texts.matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => name!);
  const described = [...read('.env.example').matchAll(/^#?([A-Z0-9_]+)=/gm)].map(([, name]) => name!);
  const missing = [...new Set(used)].filter((name) => !described.includes(name));
  expect(missing).toEqual([]);
});
