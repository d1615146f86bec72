import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { plainEnvironment, type ServiceSpec } from './service-spec.js';

export interface RedisOptions {
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  /** Of the user `default`, who may do everything. */
  readonly password: string;
  /** Further users, as lines of redis.conf. */
  readonly accounts?: string;
  /** As redis.conf writes it: `1gb`. */
  readonly maxMemory: string;
}

/** Settings of every Redis, in compose too. */
export const sharedRedisConfig = join(projectRoot, 'redis', 'redis.conf');

const configuration = ({ folder, port, password, accounts = '', maxMemory }: RedisOptions): string => `\
include "${sharedRedisConfig}"
bind 127.0.0.1
port ${port}
requirepass ${password}
dir "${join(folder, 'redis')}"
daemonize no
maxmemory ${maxMemory}
${accounts}`;

/** Whether the server takes the password and answers PING: not while it is loading its AOF. */
export function answersPing(port: number, password: string): Promise<boolean> {
  const command = (...parts: string[]) =>
    `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('data', (chunk: Buffer) => {
      reply += chunk.toString();
      if (reply.includes('+PONG')) finish(true);
      else if (/^-/m.test(reply)) finish(false);
    });
    socket.write(command('AUTH', password) + command('PING'));
  });
}

export function redisService(options: RedisOptions): ServiceSpec {
  const folder = join(options.folder, 'redis');
  const file = join(folder, 'redis.conf');
  return {
    name: 'redis',
    port: options.port,
    command: options.program,
    // The password is in the file: arguments are for everybody to see.
    args: [file],
    env: plainEnvironment(),
    prepare: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, configuration(options), { mode: 0o600 });
    },
    isReady: () => answersPing(options.port, options.password),
    readyTimeoutMs: 120_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 30_000,
  };
}
