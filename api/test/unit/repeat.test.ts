import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { repeat } from '../../src/worker/repeat.js';

/** Work whose first runs fail; resolves `done` with the run that was wanted. */
function makeWork(failing: number, wanted: number) {
  let runs = 0;
  let finish: () => void;
  const done = new Promise<void>((resolve) => (finish = resolve));
  const work = async () => {
    runs += 1;
    if (runs === wanted) finish();
    if (runs <= failing) throw new Error('not yet');
  };
  return { work, done, count: () => runs };
}

function makeLogger() {
  const lines: { level: number; msg: string }[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, readMessages: () => lines.map(({ msg }) => msg) };
}

describe('what is repeated', () => {
  test('goes on after failures, and the log has the first of them and that it works again', async () => {
    const { logger, readMessages } = makeLogger();
    const { work, done } = makeWork(3, 6);
    const repetition = repeat(work, { name: 'work', everyMs: 1, logger });
    await done;
    expect(repetition.isFailing).toBe(false);
    await repetition.stop();
    expect(readMessages()).toEqual(['work: failed, is tried again', 'work: works again']);
  });

  test('is failing from a run that failed until one succeeds, and waits as long as the failures say', async () => {
    const waits: number[] = [];
    const retryMs = (failures: number) => (waits.push(failures), 1);
    const { work, done } = makeWork(Infinity, 3);
    const repetition = repeat(work, { name: 'work', everyMs: 60_000, retryMs, logger: makeLogger().logger });
    await done;
    await repetition.stop();
    expect(repetition.isFailing).toBe(true);
    expect(waits.slice(0, 2)).toEqual([1, 2]);
  });

  test('ends when it is stopped: the run under way is told and waited for, the pause is cut short', async () => {
    let ended = false;
    const work = async (signal: AbortSignal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended = true;
    };
    const repetition = repeat(work, { name: 'work', everyMs: 60_000, logger: makeLogger().logger });
    await repetition.stop();
    expect(ended).toBe(true);

    const { work: quick, done, count } = makeWork(0, 1);
    const pausing = repeat(quick, { name: 'work', everyMs: 60_000, logger: makeLogger().logger });
    await done;
    await pausing.stop();
    expect(count()).toBe(1);
  });
});
