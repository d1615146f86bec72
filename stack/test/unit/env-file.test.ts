import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ensureEnvFile, readSecrets } from '../../env-file.js';

describe('.env', () => {
  let folder: string;
  let file: string;
  let example: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'env-file-'));
    file = join(folder, '.env');
    example = join(folder, '.env.example');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const written = () => parseEnv(readFileSync(file, 'utf8'));

  test('is made from the example, every secret filled in and readable by its owner only', () => {
    writeFileSync(example, '# secrets\nREDIS_PASSWORD=\nADMIN_TOKEN=\n#FRONT_PORT=8080\n');
    expect(ensureEnvFile(file, example)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const secrets = Object.values(readSecrets(written() as Record<string, string>));
    expect(secrets).toHaveLength(11);
    for (const secret of secrets) expect(secret).toMatch(/^[0-9a-f]{48}$/);
    expect(new Set(secrets).size).toBe(11);
    expect(readFileSync(file, 'utf8')).toContain('# secrets\n');
  });

  test('has a password for Grafana that is no other secret', () => {
    ensureEnvFile(file, example);
    const { GRAFANA_PASSWORD, ...others } = written();
    expect(GRAFANA_PASSWORD).toMatch(/^[0-9a-f]{48}$/);
    expect(Object.values(others)).not.toContain(GRAFANA_PASSWORD);
  });

  test('of a version with one account for everything gains the others, and keeps what it had', () => {
    const old = 'REDIS_PASSWORD=a\nMYSQL_PASSWORD=b\nMYSQL_ROOT_PASSWORD=c\nADMIN_TOKEN=d\n';
    writeFileSync(file, old);
    expect(ensureEnvFile(file, example)).toBe(true);
    expect(() => readSecrets(written() as Record<string, string>)).not.toThrow();
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^${old}([A-Z_]+=[0-9a-f]{48}\n){10}$`));
  });

  test('keeps what it holds and only gains the secrets it lacks', () => {
    writeFileSync(file, 'ADMIN_TOKEN=chosen-by-hand\nOTHER=1');
    expect(ensureEnvFile(file, example)).toBe(true);
    expect(written()).toMatchObject({ ADMIN_TOKEN: 'chosen-by-hand', OTHER: '1' });
    expect(() => readSecrets(written() as Record<string, string>)).not.toThrow();
  });

  test('is left alone when it is complete', () => {
    ensureEnvFile(file, example);
    const before = readFileSync(file, 'utf8');
    expect(ensureEnvFile(file, example)).toBe(false);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test('when a secret is missing, the error names it and how to get it', () => {
    expect(() => readSecrets({ REDIS_PASSWORD: 'x' })).toThrow(/ADMIN_TOKEN.*make env/);
  });
});
