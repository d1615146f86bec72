import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { parseCouponId, parseUserId, singleHeader } from '../../src/http/parse.js';

/** As Node hands it over: repeated headers joined in `headers`, apart in `rawHeaders`. */
function requestWith(...lines: [name: string, value: string][]): IncomingMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  return { headers, rawHeaders: lines.flat() } as unknown as IncomingMessage;
}

describe('parsing a coupon id', () => {
  it.each([
    ['1', 1],
    ['42', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s is %i', (text, id) => expect(parseCouponId(text)).toBe(id));

  it.each([
    '',
    '0',
    '00',
    '01',
    '-1',
    '+1',
    '1.0',
    '1e3',
    ' 1',
    '1 ',
    '1\n',
    '9007199254740992',
    '1'.repeat(17),
    'x',
  ])('%j is none', (text) => expect(parseCouponId(text)).toBeNull());

  it.each([undefined, null, 1, ['1'], {}])('%j is none', (value) => expect(parseCouponId(value)).toBeNull());
});

describe('parsing a user id', () => {
  it.each(['1', 'a b', 'a, b', '~', 'x'.repeat(64), 'A', '"\\'])('%j is taken as it is', (userId) => {
    expect(parseUserId(requestWith(['X-USER-ID', userId]))).toBe(userId);
  });

  it.each(['', ' ', ' a', 'a ', 'x'.repeat(65), 'ü', 'a\tb', 'a\u0000', 'a\nb'])('%j is none', (userId) => {
    expect(parseUserId(requestWith(['X-USER-ID', userId]))).toBeNull();
  });

  it('finds a header that was sent twice, whatever its case', () => {
    expect(parseUserId(requestWith(['X-USER-ID', 'a'], ['x-user-id', 'b']))).toBeNull();
    expect(parseUserId(requestWith(['X-USER-ID', 'a'], ['X-User-Id', '']))).toBeNull();
  });
});

describe('a single header', () => {
  it('is undefined when it was not sent and null when it was sent twice', () => {
    expect(singleHeader(requestWith(), 'idempotency-key')).toBeUndefined();
    const twice = requestWith(['Idempotency-Key', 'a'], ['Idempotency-Key', 'a']);
    expect(singleHeader(twice, 'idempotency-key')).toBeNull();
    expect(singleHeader(requestWith(['Idempotency-Key', 'a, b']), 'idempotency-key')).toBe('a, b');
  });
});
