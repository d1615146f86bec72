import { describe, expect, it } from '@jest/globals';
import { refuseFarAway } from '../../refuse-far-away.js';

describe('the address under load', () => {
  it.each(['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080', 'http://nginx:8080'])(
    'may be %s',
    (url) => {
      expect(() => refuseFarAway(url, false)).not.toThrow();
    },
  );

  it('may be elsewhere only when that is said explicitly', () => {
    expect(() => refuseFarAway('https://shop.example.com', false)).toThrow(/--allow-remote/);
    expect(() => refuseFarAway('http://192.0.2.7:8080', false)).toThrow(/--allow-remote/);
    expect(() => refuseFarAway('https://shop.example.com', true)).not.toThrow();
  });
});
