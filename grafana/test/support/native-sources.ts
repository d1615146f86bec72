import { Redis } from 'ioredis';
import { ensureEnvFile, readEnvironment, readSecrets } from '../../../stack/env-file.js';
import type { ServiceStatus, Stack } from '../../../stack/types.js';
import {
  connectDatabase,
  databaseSource,
  metricsSource,
  nginxSource,
  redisSource,
  type Source,
} from './sources.js';

export interface NativeSources {
  /** Everything that ran at the last look. A service's source is the same function as long as it runs. */
  readonly sources: () => readonly Source[];
  /** Replicas and workers come and go with `make scale`. */
  lookAgain(): Promise<void>;
  close(): Promise<void>;
}

const portOf = (services: readonly ServiceStatus[], name: string): number => {
  const port = services.find(({ service }) => service === name)?.port;
  if (port === undefined) throw new Error(`${name} does not run: run \`make up MODE=native\` first`);
  return port;
};

/** `/metrics` of every replica and worker, by name and port. */
class Pages {
  #sources = new Map<string, Source>();

  update(services: readonly ServiceStatus[]): void {
    const running = services.flatMap(({ service, port }) =>
      /^(api|worker)-/.test(service) && port !== undefined ? [{ service, port }] : [],
    );
    this.#sources = new Map(
      running.map(({ service, port }) => {
        const key = `${service}:${port}`;
        return [
          key,
          this.#sources.get(key) ?? metricsSource(`http://127.0.0.1:${port}/metrics`, service),
        ] as const;
      }),
    );
  }

  get sources(): Source[] {
    return [...this.#sources.values()];
  }
}

/**
 * The sources of a native stack.
 *
 * @throws when Redis or the database does not run
 */
export async function nativeSources(stack: Stack): Promise<NativeSources> {
  ensureEnvFile();
  const secrets = readSecrets(readEnvironment());
  const services = await stack.status();
  const redisPort = portOf(services, 'redis');
  const database = await connectDatabase(
    `mysql://coupon_metrics:${secrets.METRICS_PASSWORD}@127.0.0.1:${portOf(services, 'database')}/`,
  );
  const redis = new Redis({
    host: '127.0.0.1',
    port: redisPort,
    username: 'metrics',
    password: secrets.METRICS_PASSWORD,
    commandTimeout: 900,
  });
  redis.on('error', () => undefined);
  const single = [nginxSource(stack.opsUrl), redisSource(redis), databaseSource(database)];
  const pages = new Pages();
  pages.update(services);
  return {
    sources: () => [...single, ...pages.sources],
    lookAgain: async () => pages.update(await stack.status()),
    close: async () => {
      redis.disconnect();
      await database.end();
    },
  };
}
