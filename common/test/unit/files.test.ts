import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatNumber, roundTo } from '../../format.js';
import { readJson, toJson, writeJson } from '../../json-file.js';
import { projectRoot, resultsFolder } from '../../paths.js';
import { table } from '../../table.js';

describe('a JSON file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'json-file-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is read as it was written, in a folder that is made for it, and nothing else is left there', () => {
    const file = join(folder, 'results', 'one.json');
    writeJson(file, { users: 10 });
    writeJson(file, { users: 20 });
    expect(readJson(file)).toEqual({ users: 20 });
    expect(readFileSync(file, 'utf8')).toBe('{\n  "users": 20\n}\n');
    expect(readdirSync(join(folder, 'results'))).toEqual(['one.json']);
  });

  it('stays as it was when the new content cannot be made', () => {
    const file = join(folder, 'kept.json');
    writeJson(file, 'before');
    expect(() => writeJson(file, 1n)).toThrow(TypeError);
    expect(readJson(file)).toBe('before');
  });

  it('takes a replacer, as JSON.stringify does', () => {
    expect(toJson([1.26], (_, value) => (typeof value === 'number' ? roundTo(value, 1) : value))).toBe(
      '[\n  1.3\n]\n',
    );
  });
});

describe('the folder of results', () => {
  it('is inside the checkout', () => {
    expect(existsSync(join(projectRoot, 'package.json'))).toBe(true);
    expect(resultsFolder('faults')).toBe(join(projectRoot, 'faults', 'results'));
  });
});

describe('what people read', () => {
  it('has columns as wide as their widest cell, and no blanks at the end of a line', () => {
    const rows = [
      ['a', 'long head', ''],
      ['wider', 'b', ''],
    ];
    expect(table(rows)).toBe('a      long head\nwider  b');
    expect(table(rows, '  ')).toBe('  a      long head\n  wider  b');
  });

  it('has thousands separated, and as many digits as are asked for', () => {
    expect([formatNumber(10_000), formatNumber(1_234.56, 1), formatNumber(2, 2)]).toEqual([
      '10,000',
      '1,234.6',
      '2.00',
    ]);
  });
});
