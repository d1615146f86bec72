const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

/**
 * Fingerprint of an attempt key: 53 bits as 9 characters of base64url. It tells a repeated attempt of a user from
 * another attempt of the same user, nothing more, so it need not resist an attacker: a collision would turn one's own 409
 * into one's own 200. Kept instead of the key because it stays in memory for every winner.
 *
 * The hash is cyrb53 (public domain): two 32-bit multiply-xor lanes, mixed at the end. Written digit by digit, 6 bits
 * each, lowest first: `toString(36)` of such a number takes ten times as long as the hash (1.2 µs).
 */
export function computeFingerprint(attemptKey: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < attemptKey.length; i++) {
    const c = attemptKey.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return String.fromCharCode(
    DIGITS[a & 63]!,
    DIGITS[(a >>> 6) & 63]!,
    DIGITS[(a >>> 12) & 63]!,
    DIGITS[(a >>> 18) & 63]!,
    DIGITS[(a >>> 24) & 63]!,
    DIGITS[(a >>> 30) | ((b & 15) << 2)]!,
    DIGITS[(b >>> 4) & 63]!,
    DIGITS[(b >>> 10) & 63]!,
    DIGITS[(b >>> 16) & 31]!,
  );
}
