import { describe, expect, it } from '@jest/globals';
import { parseEnv } from 'node:util';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../common/paths.js';
import { countWorkers } from '../../front-door-size.js';

describe('the front door', () => {
  const settings = parseEnv(readFileSync(join(projectRoot, 'nginx', 'compose.env'), 'utf8'));

  it('has its two workers for 10,000 clients, and one for each 7,800 beyond', () => {
    expect(settings['NGINX_WORKERS']).toBe(`\${NGINX_WORKERS:-${countWorkers(10_000)}}`);
    expect([15_600, 15_700, 30_000].map(countWorkers)).toEqual([2, 3, 4]);
  });

  it('counts with the connections that a worker has', () => {
    const each = Number(settings['NGINX_WORKER_CONNECTIONS']);
    for (const clients of [15_600, 30_000, 100_000])
      expect(countWorkers(clients) * each).toBeGreaterThanOrEqual(2 * clients);
  });
});
