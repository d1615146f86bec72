import { describe, expect, it } from '@jest/globals';
import {
  ConfigError,
  readApiConfig,
  readMigrateConfig,
  readOperatorConfig,
  readWorkerConfig,
} from '../../src/config.js';

const ENOUGH = {
  REDIS_PASSWORD: 'redis-secret',
  DATABASE_URL: 'mysql://u:database-secret@h:3306/coupons',
  ADMIN_TOKEN: 'admin-secret-0123456789',
};

const listFaults = (env: Record<string, string>): string => {
  try {
    readApiConfig(env);
  } catch (err) {
    expect(err).toBeInstanceOf(ConfigError);
    return (err as Error).message;
  }
  throw new Error('no fault');
};

describe('the configuration', () => {
  it('needs nothing but the secrets', () => {
    expect(readApiConfig(ENOUGH)).toMatchObject({ PORT: 3000, ISSUE_BATCH_MAX: 256, LISTEN_BACKLOG: 65_535 });
    expect(readWorkerConfig(ENOUGH)).toMatchObject({ WORKER_PORT: 9100 });
    expect(readMigrateConfig({ DATABASE_URL: ENOUGH.DATABASE_URL })).toMatchObject({ DATABASE_POOL: 4 });
  });

  it('names every fault at once and never a value', () => {
    const faults = listFaults({
      ...ENOUGH,
      ADMIN_TOKEN: 'tiny',
      PORT: '99999',
      REDIS_PASSWORD: '',
      LOG_LEVEL: 'loud',
    });
    for (const name of ['ADMIN_TOKEN', 'PORT', 'REDIS_PASSWORD', 'LOG_LEVEL'])
      expect(faults).toContain(`${name}:`);
    for (const value of ['tiny', '99999', 'secret']) expect(faults).not.toContain(value);
  });

  it('has no secret of its own', () => {
    const faults = listFaults({});
    for (const name of ['ADMIN_TOKEN', 'REDIS_PASSWORD', 'DATABASE_URL'])
      expect(faults).toContain(`${name}:`);
  });

  it.each([
    ['PORT', ''],
    ['REDIS_COMMAND_TIMEOUT_MS', ''],
  ])('takes an empty %s as absent, as compose passes it', (name, value) => {
    expect(() => readApiConfig({ ...ENOUGH, [name]: value })).not.toThrow();
  });

  it.each([
    ['DATABASE_URL', 'postgres://u@h/d'],
    ['DATABASE_URL', 'coupons'],
    ['PORT', '3000.5'],
    ['PORT', '0x10'],
    ['ISSUE_LINGER_MS', ' '],
    ['ISSUE_BATCH_MAX', '0'],
    ['ISSUE_BATCH_MAX', '1001'],
    ['ADMIN_TOKEN', 'with a space in the middle'],
  ])('refuses %s=%s', (name, value) => {
    expect(listFaults({ ...ENOUGH, [name]: value })).toContain(`${name}:`);
  });

  it('reads sentinels', () => {
    const given = { ...ENOUGH, REDIS_SENTINELS: 'a:26379, b:26380', REDIS_MIN_REPLICAS: '1' };
    const { REDIS_SENTINELS } = readApiConfig(given);
    expect(REDIS_SENTINELS).toEqual([
      { host: 'a', port: 26_379 },
      { host: 'b', port: 26_380 },
    ]);
    expect(listFaults({ ...ENOUGH, REDIS_SENTINELS: 'a' })).toContain('REDIS_SENTINELS');
  });

  it('refuses sentinels when no replica confirms, says what would be lost, and takes it when that is wanted', () => {
    const unconfirmed = { ...ENOUGH, REDIS_SENTINELS: 'a:26379', REDIS_MIN_REPLICAS: '0' };
    expect(listFaults(unconfirmed)).toMatch(
      /REDIS_MIN_REPLICAS: .*lost at a failover.*REDIS_ALLOW_UNCONFIRMED=1/,
    );
    expect(() => readWorkerConfig(unconfirmed)).toThrow(/lost at a failover/);
    // The operator promises nothing to anybody.
    expect(() => readOperatorConfig(unconfirmed)).not.toThrow();
    expect(() => readApiConfig({ ...unconfirmed, REDIS_ALLOW_UNCONFIRMED: '1' })).not.toThrow();
    expect(() => readApiConfig({ ...unconfirmed, REDIS_MIN_REPLICAS: '1' })).not.toThrow();
    expect(() => readApiConfig({ ...ENOUGH, REDIS_MIN_REPLICAS: '0' })).not.toThrow();
  });
});
