import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Digits only: to `Number` a blank is 0 and `0x10` is 16. */
const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^[0-9]+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(least).max(most));
const port = wholeNumber(1, 65_535);
const nonEmpty = z.string().min(1);

const shared = {
  NODE_ENV: z.string().default('production'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
};

/** `host:port,host:port` */
const hostPorts = nonEmpty.transform((text, context) =>
  text.split(',').map((item) => {
    const [, host, portText] = /^(.+):([0-9]{1,5})$/.exec(item.trim()) ?? [];
    if (!host || !portText) {
      context.addIssue({ code: 'custom', message: 'must be host:port, separated by commas' });
      return z.NEVER;
    }
    return { host, port: Number(portText) };
  }),
);

/** The path of a PEM file; read at once, so that a wrong one is a fault of the environment. */
const pemFile = nonEmpty.transform((path, context) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    context.addIssue({ code: 'custom', message: `cannot be read: ${(err as NodeJS.ErrnoException).code}` });
    return z.NEVER;
  }
});
const onOff = z.enum(['on', 'off']).default('off');

const redis = {
  /** Where the primary is; not needed when sentinels tell. */
  REDIS_HOST: nonEmpty.default('127.0.0.1'),
  REDIS_PORT: port.default(6379),
  /** ACL user; without it the password is that of the user `default`. */
  REDIS_USERNAME: nonEmpty.optional(),
  REDIS_PASSWORD: nonEmpty,
  /** TLS to Redis and to the sentinels. The server's certificate must carry the name that it is reached by. */
  REDIS_TLS: onOff,
  /** What signed the servers' certificates, when no public authority did; and this client's own, when Redis asks for one. */
  REDIS_TLS_CA: pemFile.optional(),
  REDIS_TLS_CERT: pemFile.optional(),
  REDIS_TLS_KEY: pemFile.optional(),
  /** One command's limit. With the time to notice, a request is answered within about a second. */
  REDIS_COMMAND_TIMEOUT_MS: wholeNumber(50, 10_000).default(800),
  /** Sentinels that know the primary. With them REDIS_HOST and REDIS_PORT are not used. */
  REDIS_SENTINELS: hostPorts.optional(),
  REDIS_SENTINEL_NAME: nonEmpty.default('coupons'),
  REDIS_SENTINEL_PASSWORD: nonEmpty.optional(),
  /** Replicas that must hold an issue before it is answered with 200. 0: the primary's disk alone. */
  REDIS_MIN_REPLICAS: wholeNumber(0, 5).default(0),
  /** What a replica must have confirmed: that it has it in memory, or (from Redis 7.2 on) on its disk. */
  REDIS_CONFIRM: z.enum(['memory', 'disk']).default('memory'),
  /** 1: sentinels may promote a replica that nobody waited for. Needed for REDIS_SENTINELS without REDIS_MIN_REPLICAS. */
  REDIS_ALLOW_UNCONFIRMED: z.enum(['0', '1']).default('0'),
};

/** A failover loses what no replica had to have: nobody gets there without having said so. */
function refuseUnconfirmed(config: RedisConfig, context: z.RefinementCtx): void {
  if (!config.REDIS_SENTINELS || config.REDIS_MIN_REPLICAS > 0 || config.REDIS_ALLOW_UNCONFIRMED === '1')
    return;
  context.addIssue({
    code: 'custom',
    path: ['REDIS_MIN_REPLICAS'],
    message:
      'must be 1 or more with REDIS_SENTINELS: what was answered 200 and not replicated is lost at a failover. ' +
      'REDIS_ALLOW_UNCONFIRMED=1 takes that risk',
  });
}

const database = {
  /** mysql://user:password@host:port/database */
  DATABASE_URL: z.url({ protocol: /^mysql$/ }),
  DATABASE_POOL: wholeNumber(1, 100).default(4),
  /** TLS to MySQL, with the same meaning as for Redis. */
  DATABASE_TLS: onOff,
  DATABASE_TLS_CA: pemFile.optional(),
  DATABASE_TLS_CERT: pemFile.optional(),
  DATABASE_TLS_KEY: pemFile.optional(),
};

const traces = {
  /** Of a collector, OTLP over HTTP, such as http://collector:4318. Without it there are no traces. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** Share of the issue calls that are traced, 0 to 1. */
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(0(\.[0-9]+)?|1(\.0+)?)$/, 'must be a number from 0 to 1')
    .transform(Number)
    .default(0.01),
};

const apiSchema = z.object({
  ...shared,
  ...redis,
  ...database,
  ...traces,
  HOST: z.string().default('0.0.0.0'),
  PORT: port.default(3000),
  LISTEN_BACKLOG: wholeNumber(1, 65_535).default(65_535),
  /** Printable ASCII without spaces: it travels in an Authorization header. */
  ADMIN_TOKEN: z
    .string()
    .min(16)
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces'),
  ISSUE_BATCH_MAX: wholeNumber(1, 1_000).default(256),
  /** Longest time a batch is held back while each turn of the event loop brings more; an idle replica never waits. 0: off. */
  ISSUE_LINGER_MS: wholeNumber(0, 100).default(3),
  /** Issue calls of a standing queue that are served before the replica counts as overloaded. */
  ISSUE_RUSH_MAX: wholeNumber(0, 10_000_000).default(10_000),
  /** A standing queue is overload after this wait in any case. Below nginx's read timeout (NGINX_ISSUE_READ_TIMEOUT). */
  ISSUE_QUEUE_MAX_MS: wholeNumber(100, 600_000).default(4_000),
  /** Attempts in hand beyond which every call is refused. */
  ISSUE_PENDING_MAX: wholeNumber(1, 10_000_000).default(50_000),
  /** Coupons a partition's stream may hold before the API answers 503: about 120 bytes each, in each of 16 partitions. */
  BACKLOG_MAX_COUPONS: wholeNumber(1, 10_000_000).default(200_000),
  /** How long a replica rehearses its hot path before it listens; 0: off. */
  WARM_UP_MS: wholeNumber(0, 60_000).default(2_000),
  /** After SIGTERM: how long the replica goes on answering while /readyz fails, so that nginx notices first. */
  SHUTDOWN_GRACE_MS: wholeNumber(0, 60_000).default(2_500),
  SHUTDOWN_DEADLINE_MS: wholeNumber(1_000, 120_000).default(10_000),
});

const workerSchema = z.object({
  ...shared,
  ...redis,
  ...database,
  ...traces,
  /** Serves /livez, /readyz and /metrics. */
  WORKER_PORT: port.default(9100),
  HOST: z.string().default('0.0.0.0'),
  /** Name in the consumer group: unique among live workers, stable over a restart of the same one. */
  WORKER_NAME: nonEmpty.default(hostname()),
  DRAIN_ROWS_MAX: wholeNumber(1, 20_000).default(5_000),
  DRAIN_BLOCK_MS: wholeNumber(10, 10_000).default(1_000),
  /** An entry pending for longer belongs to a dead worker and is claimed. */
  CLAIM_IDLE_MS: wholeNumber(100, 3_600_000).default(15_000),
  /** Deliveries of an entry that cannot be written before it becomes a dead letter. */
  MAX_DELIVERIES: wholeNumber(1, 100).default(5),
  /** How often the gates in Redis are compared with the campaigns in MySQL. */
  GATE_CHECK_MS: wholeNumber(100, 3_600_000).default(1_000),
  /** How often Redis and MySQL are compared for the coupon_reconciliation_… metrics: one count a campaign. */
  RECONCILE_MS: wholeNumber(1_000, 3_600_000).default(15_000),
  /** How long a campaign stays in Redis after it is over (ended, closed, sold out); then the API answers from MySQL. */
  ARCHIVE_AFTER_MS: wholeNumber(1_000, 366 * 24 * 3_600_000).default(7 * 24 * 3_600_000),
  SHUTDOWN_DEADLINE_MS: wholeNumber(1_000, 120_000).default(10_000),
});

const operatorSchema = z.object({ ...shared, ...redis, ...database });
const migrateSchema = z.object({
  ...shared,
  ...database,
  /** on: gives the accounts of prisma/grants.sql their rights after each migration. They must exist. */
  DATABASE_GRANTS: onOff,
});

export type ApiConfig = z.infer<typeof apiSchema>;
export type WorkerConfig = z.infer<typeof workerSchema>;
export type OperatorConfig = z.infer<typeof operatorSchema>;
export type MigrateConfig = z.infer<typeof migrateSchema>;
export type DatabaseConfig = Pick<MigrateConfig, keyof typeof database>;
export type RedisConfig = Pick<ApiConfig, keyof typeof redis>;
export type TracesConfig = Pick<ApiConfig, keyof typeof traces>;

/** Every fault of the environment in one message; values are never part of it, they may be secrets. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function read<T extends z.ZodType>(schema: T, env: NodeJS.ProcessEnv): z.infer<T> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(
    `The environment is not usable. Set these variables (see .env.example):\n${faults.join('\n')}`,
  );
}

export const readApiConfig = (env = process.env): ApiConfig =>
  read(apiSchema.superRefine(refuseUnconfirmed), env);
export const readWorkerConfig = (env = process.env): WorkerConfig =>
  read(workerSchema.superRefine(refuseUnconfirmed), env);
export const readOperatorConfig = (env = process.env): OperatorConfig => read(operatorSchema, env);
export const readMigrateConfig = (env = process.env): MigrateConfig => read(migrateSchema, env);
