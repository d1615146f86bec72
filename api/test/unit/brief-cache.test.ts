import { describe, expect, it } from '@jest/globals';
import { BriefCache } from '../../src/coupon/brief-cache.js';
import { requireAnswer, requireAnswerWithin, UnavailableError } from '../../src/coupon/unavailable.js';

/** Answers with how often it was asked. */
function counter() {
  const asks: string[] = [];
  const load = async (key: string) => {
    asks.push(key);
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (key === 'bad') throw new Error('away');
    return asks.length;
  };
  return { asks, load };
}

describe('a brief cache', () => {
  it('asks once for everyone who wants the same at the same time, and for a while after', async () => {
    const { asks, load } = counter();
    const cache = new BriefCache({ rememberMs: 60_000, max: 10 }, load);
    expect(await Promise.all([cache.get('a'), cache.get('a'), cache.get('b')])).toEqual([2, 2, 2]);
    expect(await cache.get('a')).toBe(2);
    expect(asks).toEqual(['a', 'b']);
  });

  it('asks again when the time is over', async () => {
    const { asks, load } = counter();
    const cache = new BriefCache({ rememberMs: 0, max: 10 }, load);
    await cache.get('a');
    await cache.get('a');
    expect(asks).toEqual(['a', 'a']);
  });

  it('shares a fault with those who wait for it and remembers it for nobody else', async () => {
    const { asks, load } = counter();
    const cache = new BriefCache({ rememberMs: 60_000, max: 10 }, load);
    const answers = await Promise.allSettled([cache.get('bad'), cache.get('bad')]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(cache.get('bad')).rejects.toThrow('away');
    expect(asks).toEqual(['bad', 'bad']);
  });

  it('forgets the oldest rather than grow', async () => {
    const { asks, load } = counter();
    const cache = new BriefCache({ rememberMs: 60_000, max: 2 }, load);
    for (const key of ['a', 'b', 'c', 'b', 'a']) await cache.get(key);
    expect(asks).toEqual(['a', 'b', 'c', 'a']);
  });
});

describe('asking a store', () => {
  it('makes every fault an UnavailableError that keeps its cause', async () => {
    const cause = new Error('ECONNREFUSED');
    const fault = await requireAnswer('database', Promise.reject(cause)).catch((err: unknown) => err);
    expect(fault).toBeInstanceOf(UnavailableError);
    expect(fault).toMatchObject({ what: 'database', cause });
    expect(await requireAnswer('redis', Promise.resolve(5))).toBe(5);
  });

  it('gives up on what does not answer', async () => {
    await expect(requireAnswerWithin(10, 'redis', new Promise(() => undefined))).rejects.toThrow(
      UnavailableError,
    );
    expect(await requireAnswerWithin(10_000, 'redis', Promise.resolve(5))).toBe(5);
  });
});
