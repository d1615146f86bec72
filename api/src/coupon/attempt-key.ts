/**
 * Fingerprint of an attempt key: 53 bits in base 36, at most 11 characters. It tells a repeated attempt of a user from
 * another attempt of the same user, nothing more, so it need not resist an attacker: a collision would turn one's own 409
 * into one's own 200. Kept instead of the key because it stays in memory for every winner.
 *
 * The hash is cyrb53 (public domain): two 32-bit multiply-xor lanes, mixed at the end.
 */
export function fingerprintOf(attemptKey: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < attemptKey.length; i++) {
    const c = attemptKey.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
