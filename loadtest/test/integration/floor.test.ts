import { describe, expect, it } from '@jest/globals';
import { median } from '../../../common/statistics.js';
import { startFloorServer } from '../../floor-server.js';
import { compare } from '../../floor.js';

describe('the floor', () => {
  it('is an nginx of its own that answers every issue call with a bare 200 until it is stopped', async () => {
    const server = await startFloorServer(1_024, new AbortController().signal);
    const call = () => fetch(`${server.url}/api/v1/coupons/call/1`, { method: 'POST' });
    try {
      const answer = await call();
      expect([answer.status, await answer.text()]).toEqual([200, '']);
    } finally {
      await server.stop();
    }
    await expect(call()).rejects.toThrow();
  });

  it('is compared by medians, which one odd round does not move', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
    expect(compare([1_300, 9_000, 1_200], [1_000, 900, 1_000])).toMatchObject({ ratio: 1.3 });
  });
});
