import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultNginxVariables, renderTemplate, writeNginxConfig } from '../../native/nginx-config.js';
import { requirePrograms } from '../../install.js';

describe('the configuration of nginx', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nginx-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const local = () => ({
    ...defaultNginxVariables(),
    NGINX_PID: join(folder, 'pid'),
    NGINX_TEMP: folder,
    NGINX_CACHE: join(folder, 'cache'),
    NGINX_ACCESS_LOG: join(folder, 'access.log'),
    NGINX_ERROR_LOG: join(folder, 'error.log'),
    NGINX_UPSTREAM: 'upstream-list.conf',
  });

  test('is accepted by nginx with the values of compose and a list of replicas', async () => {
    writeNginxConfig(folder, local(), [13_001, 13_002]);
    const { nginx } = await requirePrograms();
    const check = () =>
      execFileSync(nginx, ['-e', 'stderr', '-t', '-c', join(folder, 'nginx.conf')], { stdio: 'pipe' });
    expect(check).not.toThrow();
  });

  test('keeps what belongs to nginx itself and refuses a variable without a value', () => {
    expect(renderTemplate('$request_id ${NGINX_A} ${other}', { NGINX_A: '1' })).toBe(
      '$request_id 1 ${other}',
    );
    expect(() => renderTemplate('${NGINX_B}', {})).toThrow('NGINX_B');
  });

  test('has a new fingerprint when the replicas change, and only then', () => {
    const first = writeNginxConfig(folder, local(), [1]);
    expect(writeNginxConfig(folder, local(), [1])).toBe(first);
    expect(writeNginxConfig(folder, local(), [1, 2])).not.toBe(first);
    expect(readFileSync(join(folder, 'upstream-list.conf'), 'utf8')).toContain('server 127.0.0.1:2 ');
  });

  test('leaves the values that .env may set to their defaults', () => {
    expect(defaultNginxVariables()).toMatchObject({ NGINX_ISSUE_RATE: '10r/s', NGINX_FRONT_LISTEN: '8080' });
  });
});
