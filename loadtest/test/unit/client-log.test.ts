import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ClientLog, MalformedLogError, readClientLog } from '../../client-log.js';
import { LineCounter } from '../../line-counter.js';

const read = (...lines: string[]) => {
  const log = new ClientLog();
  for (const line of lines) log.add(line);
  return log.attempts;
};

describe('the client log', () => {
  it('joins an answer to its intent', () => {
    expect(read('> 17 - 1000', '< 17 - 1000 200 5 123 0 0 -')).toEqual([
      {
        userId: '17',
        key: null,
        sentMs: 1000,
        answer: { status: 200, rank: 5, durationMs: 123, errorCode: 0, replayed: false, code: null },
      },
    ]);
  });

  it('reads the time of issue where it is written down', () => {
    const [told] = read('> u k 1', '< u k 1 200 1 5 0 0 - 1700000000123');
    expect(told!.answer).toMatchObject({ status: 200, issuedAtMs: 1_700_000_000_123 });
    expect(() => read('> u k 1', '< u k 1 200 1 5 0 0 - soon')).toThrow(MalformedLogError);
  });

  it('keeps an intent whose answer never came', () => {
    expect(read('> 17 - 1000')).toEqual([{ userId: '17', key: null, sentMs: 1000, answer: null }]);
  });

  it('reads attempt key, problem code, replay and error code', () => {
    const [conflict, replay, timeout] = read(
      '> u k1 1',
      '> u k2 1',
      '> v - 2',
      '< u k2 1 409 7 10 0 0 already-issued',
      '< u k1 1 200 7 11 0 1 -',
      '< v - 2 0 - 60000 1050 0 -',
    ).map(({ answer }) => answer);
    expect(conflict).toMatchObject({ status: 200, rank: 7, replayed: true });
    expect(replay).toMatchObject({ status: 409, rank: 7, code: 'already-issued' });
    expect(timeout).toMatchObject({ status: 0, rank: null, errorCode: 1050 });
  });

  it('keeps two tries of a user in the same millisecond apart', () => {
    const attempts = read('> u - 1', '> u - 1', '< u - 1 200 1 5 0 0 -');
    expect(attempts.map(({ answer }) => answer?.status)).toEqual([200, undefined]);
  });

  it.each([
    ['a line of something else', 'level=warning msg="Request Failed"'],
    ['a line without a time', '> 17 -'],
    ['an unknown direction', '= 17 - 1'],
    ['an answer to nothing', '< 17 - 1 200 1 5 0 0 -'],
    ['an answer cut short', '< 1 - 1 200'],
  ])('refuses %s', (_what, line) => {
    expect(() => read('> 1 - 1', line)).toThrow(MalformedLogError);
  });
});

describe('the file of the client log', () => {
  let folder: string;
  const file = () => join(folder, 'client.log');
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'client-log-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('leaves out a last line that was cut off while it was written', async () => {
    await writeFile(file(), '> 1 - 1\n> 2 - 1\n< 1 - 1 200 1 5 0 0 -\n< 2 - 1 20');
    const attempts = await readClientLog(file());
    expect(attempts.map(({ answer }) => answer?.status)).toEqual([200, undefined]);
  });

  it('refuses a malformed line in the middle', async () => {
    await writeFile(file(), '> 1 - 1\nwhat is this\n< 1 - 1 200 1 5 0 0 -\n');
    await expect(readClientLog(file())).rejects.toThrow(MalformedLogError);
  });

  it('is counted while it grows, also when a line is written in two parts', async () => {
    const counter = new LineCounter(file());
    await counter.readOn();
    expect([counter.asked, counter.answered]).toEqual([0, 0]);
    await writeFile(file(), '> 1 - 1\n> 2 ');
    await counter.readOn();
    expect([counter.asked, counter.answered]).toEqual([2, 0]);
    await writeFile(file(), '- 1\n< 1 - 1 200 1 5 0 0 -\n', { flag: 'a' });
    await counter.readOn();
    expect([counter.asked, counter.answered]).toEqual([2, 1]);
  });
});
