import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../../../common/command-line.js';
import { readCommandLine } from '../../cli-options.js';
import { refuseFarAway } from '../../refuse-far-away.js';

describe('the command line of the load tests', () => {
  it('reads command, replicas, mode and sizes', () => {
    const argv = ['peak', '--api', '4', '--mode', 'native', '--users', '20'];
    expect(readCommandLine(argv)).toMatchObject({
      command: 'peak',
      api: 4,
      mode: 'native',
      sizes: { users: 20 },
    });
  });

  it('takes an empty value, as an unset variable of make gives it, for an absent one', () => {
    const options = readCommandLine(['peak', '--api', '', '--mode', '']);
    expect(options).not.toHaveProperty('api');
    expect(options).not.toHaveProperty('mode');
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['storm']],
    ['an unknown option', ['peak', '--speed', '9']],
    ['zero replicas', ['peak', '--api', '0']],
    ['an unknown mode', ['peak', '--mode', 'cloud']],
    ['an audit without its coupon', ['audit']],
  ])('refuses %s', (_what, argv) => {
    expect(() => readCommandLine(argv)).toThrow(UsageError);
  });
});

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
