import { Redis } from 'ioredis';
import { ensureEnvFile, readEnvironment, readSecrets } from '../../stack/env-file.js';
import type { Stack } from '../../stack/index.js';
import {
  connectDatabase,
  databaseSource,
  metricsSource,
  nginxSource,
  redisSource,
  type Source,
} from './sources.js';

export interface NativeSources {
  readonly sources: Source[];
  close(): Promise<void>;
}

/** Everything of a native stack as it runs now; replicas that are added later need a new call. */
export async function nativeSources(stack: Stack): Promise<NativeSources> {
  ensureEnvFile();
  const secrets = readSecrets(readEnvironment());
  const services = await stack.status();
  const portOf = (name: string) => services.find(({ service }) => service === name)?.port;
  const redis = new Redis({
    host: '127.0.0.1',
    port: portOf('redis') ?? 0,
    password: secrets.REDIS_PASSWORD,
    commandTimeout: 900,
  });
  redis.on('error', () => undefined);
  const database = await connectDatabase(
    `mysql://coupon:${secrets.MYSQL_PASSWORD}@127.0.0.1:${portOf('database')}/coupons`,
  );
  const pages = services.flatMap(({ service, port }) =>
    /^(api|worker)-/.test(service) && port
      ? [metricsSource(`http://127.0.0.1:${port}/metrics`, service)]
      : [],
  );
  return {
    sources: [nginxSource(stack.opsUrl), redisSource(redis), databaseSource(database), ...pages],
    close: async () => {
      redis.disconnect();
      await database.end();
    },
  };
}
