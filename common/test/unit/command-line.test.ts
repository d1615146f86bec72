import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { readArguments, readChoice, readNumber, runMain, UsageError } from '../../command-line.js';

describe('a number on the command line', () => {
  it('is read; absent or empty, as an unset variable of make gives it, it is undefined', () => {
    expect(readNumber('--api', '3')).toBe(3);
    expect(readNumber('--api', '')).toBeUndefined();
    expect(readNumber('--api', undefined)).toBeUndefined();
    expect(readNumber('--cpus', '0.5', { least: 0, most: 8, whole: false })).toBe(0.5);
    expect(readNumber('--warm-up', '0', { least: 0 })).toBe(0);
  });

  it.each(['0', '-1', '1.5', 'x', '9007199254740993'])('is refused when it is %s', (text) => {
    expect(() => readNumber('--api', text)).toThrow(UsageError);
  });

  it('is refused with what is allowed', () => {
    expect(() => readNumber('--rounds', '101', { most: 100 })).toThrow(
      '--rounds 101: expected a whole number from 1 to 100',
    );
  });
});

describe('a choice on the command line', () => {
  it('is one of the known words, or undefined when absent or empty', () => {
    expect(readChoice('--mode', 'native', ['native', 'compose'])).toBe('native');
    expect(readChoice('--mode', '', ['native', 'compose'])).toBeUndefined();
    expect(() => readChoice('--mode', 'cloud', ['native', 'compose'])).toThrow(
      '--mode is native or compose, not cloud',
    );
  });
});

describe('an unknown option', () => {
  it('is a fault of usage', () => {
    expect(() => readArguments({ args: ['--speed'], options: {} })).toThrow(UsageError);
  });
});

describe('the exit status of a program', () => {
  let said = '';
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });

  afterEach(() => {
    process.exitCode = undefined;
    said = '';
  });

  it('is what its main function resolves with', async () => {
    await runMain(() => Promise.resolve(3));
    expect(process.exitCode).toBe(3);
    expect(said).toBe('');
  });

  it('is 2, with the usage, when the command line is wrong', async () => {
    await runMain(() => Promise.reject(new UsageError('which command?')), 'Usage: try this');
    expect(process.exitCode).toBe(2);
    expect(said).toBe('which command?\n\nUsage: try this\n');
  });

  it('is 1 when it fails, with every cause', async () => {
    await runMain(() => Promise.reject(new Error('no stack', { cause: new Error('port taken') })));
    expect(process.exitCode).toBe(1);
    expect(said).toBe('✗ no stack\n  because: port taken\n');
  });
});
