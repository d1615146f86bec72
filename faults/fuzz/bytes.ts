import type { Random } from '../../common/random.js';

const NASTY = [
  '\0',
  '\r\n',
  '\n',
  '\r',
  '%00',
  '%0d%0a',
  '%2e%2e%2f',
  '../',
  '//',
  '\\',
  ';',
  '"',
  "' OR 1=1 --",
  '${jndi:x}',
  '{{7*7}}',
  '\u00e4\u00f6',
  '\u{1f525}',
  '\u202e',
  '\ufeff',
  '%',
  '%zz',
  '%c0%af',
  '\x7f',
  '\x1b[31m',
  '__proto__',
  'constructor',
  'NaN',
  '-0',
  '1e309',
  '0x10',
];

export const nasty = (random: Random): string => random.pick(NASTY);

/** Any bytes at all. */
export const garbage = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: random.between(1, most) }, () => random.between(0, 255)));

export const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
export const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

/** A user id that no server may accept: empty, too long, or with bytes that are not printable ASCII. */
export function badUser(random: Random): Buffer {
  switch (random.between(0, 6)) {
    case 0:
      return latin('');
    case 1:
      return latin('u'.repeat(random.between(65, 3_000)));
    case 2:
      return utf8(`us\u00e9r${random.between(0, 999)}`);
    case 3:
      return utf8(`\u{1f600}${random.between(0, 999)}`);
    case 4:
      return latin(`a\0b${random.between(0, 999)}`);
    case 5:
      return latin(`a\x01b\x1f${random.between(0, 999)}`);
    default:
      return latin(`a\tb${random.between(0, 999)}`);
  }
}

/** A coupon id that is none, or of a coupon that nobody has made. */
export function badCoupon(random: Random): string {
  const fixed = [
    '0',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '01',
    '',
    ' ',
    '9007199254740993',
    '18446744073709551616',
    '0x1',
    'NaN',
  ];
  switch (random.between(0, 4)) {
    case 0:
      return random.pick(fixed);
    case 1:
      return '9'.repeat(random.between(16, 2_000));
    case 2:
      return encodeURIComponent(nasty(random));
    case 3:
      return nasty(random).replaceAll(/[\r\n\0 ]/g, '%20');
    default:
      return String(random.between(1_000_000_000, 2_000_000_000));
  }
}
