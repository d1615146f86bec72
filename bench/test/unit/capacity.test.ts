import { describe, expect, it } from '@jest/globals';
import { HEADROOM, computeNeed, SHIPPED, type CpuPerCoupon } from '../../capacity/model.js';

const CPU: CpuPerCoupon = { nginx: 50, api: 100, redis: 10, worker: 5, database: 5 };

describe('capacity of a rush', () => {
  it('is users × CPU ÷ seconds, with headroom', () => {
    const need = computeNeed({ users: 100_000, seconds: 10 }, CPU);
    const api = need.parts.find(({ part }) => part === 'api');
    expect(api?.busyCores).toBeCloseTo(1);
    expect(api?.cores).toBeCloseTo(1 / HEADROOM);
    expect(need.replicas).toBe(2);
  });

  it('needs twice of everything for twice the users', () => {
    const once = computeNeed({ users: 50_000, seconds: 10 }, CPU);
    const twice = computeNeed({ users: 100_000, seconds: 10 }, CPU);
    expect(twice.totalCores).toBeCloseTo(2 * once.totalCores);
  });

  it('adds front doors for connections even where their CPU would do', () => {
    const users = SHIPPED.nginxConnections;
    expect(computeNeed({ users, seconds: 3_600 }, CPU).frontDoors).toBe(2);
  });

  it('names the fixed part that is full first', () => {
    expect(computeNeed({ users: 1, seconds: 1 }, CPU).firstFull.part).toBe('nginx');
    expect(computeNeed({ users: 1, seconds: 1 }, { ...CPU, redis: 100 }).firstFull).toEqual({
      part: 'redis',
      usersPerSecond: 7_000,
    });
  });

  it('refuses a rush without users or without time', () => {
    expect(() => computeNeed({ users: 0, seconds: 1 }, CPU)).toThrow(RangeError);
    expect(() => computeNeed({ users: 1, seconds: Number.NaN }, CPU)).toThrow(RangeError);
  });
});
