import { run } from '../../common/run-command.js';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../common/paths.js';
import { findProgram, type DatabaseProgram } from './programs.js';
import { plainEnvironment, type ServiceSpec } from './service-spec.js';

export interface DatabaseOptions {
  readonly program: DatabaseProgram;
  readonly folder: string;
  readonly port: number;
  /** User → password. `coupon` owns the database; the others' rights: prisma/grants.sql. */
  readonly accounts: Readonly<Record<string, string>>;
  readonly rootPassword: string;
}

/** A Unix socket's path may have 107 bytes; a deep checkout has more. */
function socketFile(folder: string, port: number): string {
  const beside = join(folder, 'server.sock');
  return Buffer.byteLength(beside) <= 100 ? beside : join(tmpdir(), `coupon-rush-${port}.sock`);
}

/** Settings of every database, in compose too. */
export const sharedDatabaseConfig = join(projectRoot, 'mysql', 'mysqld.cnf');

const configuration = ({ port }: DatabaseOptions, folder: string, data: string): string => `\
!include ${sharedDatabaseConfig}
[mysqld]
user = ${userInfo().username}
datadir = ${data}
bind-address = 127.0.0.1
port = ${port}
socket = ${socketFile(folder, port)}
pid-file = ${join(folder, 'server.pid')}
init-file = ${join(folder, 'init.sql')}
`;

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Runs at every start, before the port opens: a password changed in .env takes effect at the next start. */
const initialSql = ({ accounts, rootPassword }: DatabaseOptions): string => `\
ALTER USER 'root'@'localhost' IDENTIFIED BY ${quoted(rootPassword)};
CREATE DATABASE IF NOT EXISTS coupons CHARACTER SET utf8mb4;
DROP USER IF EXISTS 'coupon'@'127.0.0.1';
${Object.entries(accounts)
  .flatMap(([user, password]) => [
    `CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY ${quoted(password)};`,
    `ALTER USER '${user}'@'%' IDENTIFIED BY ${quoted(password)};`,
  ])
  .join('\n')}
GRANT ALL ON coupons.* TO 'coupon'@'%' WITH GRANT OPTION;
`;

/** Into a draft folder that is renamed when complete: a start that is broken off leaves no half datadir. */
async function initialise({ product, server }: DatabaseProgram, data: string): Promise<void> {
  const draft = `${data}.draft`;
  rmSync(draft, { recursive: true, force: true });
  const common = ['--no-defaults', `--datadir=${draft}`, `--user=${userInfo().username}`];
  if (product === 'MySQL') {
    await run(server, [...common, '--initialize-insecure'], { env: plainEnvironment() });
  } else {
    const installer = findProgram('mariadb-install-db') ?? findProgram('mysql_install_db');
    if (!installer)
      throw new Error('mariadb-install-db is missing: it belongs to the package mariadb-server');
    const options = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
    await run(installer, [...common, ...options], { env: plainEnvironment() });
  }
  renameSync(draft, data);
}

/** The server greets whoever connects with a packet of protocol version 10, and with an error while it cannot serve. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (ready: boolean) => {
      // Not destroy(): a server counts a connection cut in the handshake as an error and bans the host after some.
      socket.end();
      resolve(ready);
    };
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.once('data', (packet: Buffer) => finish(packet[4] === 10));
  });
}

export function databaseService(options: DatabaseOptions): ServiceSpec {
  const folder = join(options.folder, 'database');
  const data = join(folder, options.program.product.toLowerCase());
  const file = join(folder, 'server.cnf');
  return {
    name: 'database',
    port: options.port,
    command: options.program.server,
    args: [`--defaults-file=${file}`],
    env: plainEnvironment(),
    prepare: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, 'init.sql'), initialSql(options), { mode: 0o600 });
      writeFileSync(file, configuration(options, folder, data), { mode: 0o600 });
      if (!existsSync(data)) await initialise(options.program, data);
    },
    isReady: () => greets(options.port),
    readyTimeoutMs: 120_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 60_000,
  };
}
