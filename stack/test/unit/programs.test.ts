import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findRedisServer } from '../../native/programs.js';

describe('the redis-server that is started', () => {
  const before = { PATH: process.env['PATH'], REDIS_SERVER: process.env['REDIS_SERVER'] };
  let folder: string;
  let program: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'programs-'));
    program = join(folder, 'redis-server');
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    delete process.env['REDIS_SERVER'];
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
    delete process.env['REDIS_SERVER'];
    Object.assign(
      process.env,
      Object.fromEntries(Object.entries(before).filter(([, value]) => value !== undefined)),
    );
  });

  test('is the first one on the PATH', () => {
    process.env['PATH'] = `${folder}:${before.PATH}`;
    expect(findRedisServer()).toBe(program);
  });

  test('is the one that REDIS_SERVER names, where that is set', () => {
    process.env['REDIS_SERVER'] = program;
    expect(findRedisServer()).toBe(program);
  });

  test.each([
    ['is not there', (file: string) => `${file}-8`],
    ['may not be run', (file: string) => (chmodSync(file, 0o644), file)],
    ['is a folder', (_file: string) => folder],
  ])('is an error, not another one, when what REDIS_SERVER names %s', (_what, spoil) => {
    process.env['REDIS_SERVER'] = spoil(program);
    expect(findRedisServer).toThrow(/^REDIS_SERVER=.* is no program that can be run/);
  });
});
