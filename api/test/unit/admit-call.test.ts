import { describe, expect, it } from '@jest/globals';
import { parseRequestStart } from '../../src/http/admit-call.js';
import { LogThrottle } from '../../src/log-throttle.js';

describe('X-Request-Start', () => {
  it('is t=<seconds>.<millis>, as nginx writes it', () => {
    expect(parseRequestStart('t=1764055189.042')).toBe(1_764_055_189_042);
  });

  it.each([
    undefined,
    '',
    't=',
    't=1764055189',
    '1764055189.042',
    't=-1.000',
    't=1.0005',
    't=1e3.000',
    ['t=1.000'],
  ])('is nothing when it is %j', (text) => expect(parseRequestStart(text)).toBeNull());
});

describe('a log throttle', () => {
  it('lets one line through in its interval and then says how many it left out', () => {
    const throttle = new LogThrottle(1_000);
    expect([0, 1, 999, 1_000, 1_500, 5_000].map((nowMs) => throttle.pass(nowMs))).toEqual([
      0,
      null,
      null,
      2,
      null,
      1,
    ]);
  });
});
