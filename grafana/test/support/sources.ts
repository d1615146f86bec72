import { createConnection, type Connection } from 'mariadb';
import type { Redis } from '../../../api/src/redis/connection.js';
import type { Point } from '../../../common/influx.js';
import { parseMetrics } from './prometheus.js';

/** Gathers once. Rejects when its server does not answer. */
export type Source = (timeMs: number) => Promise<Point[]>;

const get = async (url: string): Promise<string> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(900) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return await response.text();
};

/** nginx's stub_status, with the fields of Telegraf's `inputs.nginx`. */
export const nginxSource =
  (opsUrl: string): Source =>
  async (timeMs) => {
    const page = await get(`${opsUrl}/stub_status`);
    const numbers = page.match(/\d+/g)?.map(Number) ?? [];
    const [active, accepts, handled, requests, reading, writing, waiting] = numbers as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const { hostname, port } = new URL(opsUrl);
    const fields = { active, accepts, handled, requests, reading, writing, waiting };
    return [{ measurement: 'nginx', tags: { server: hostname, port }, fields, timeMs }];
  };

/** Tags as Telegraf's: `url` and `address`. @param address the replica's name, where Telegraf has the container's */
export const metricsSource =
  (url: string, address: string): Source =>
  async (timeMs) =>
    parseMetrics(await get(url), { url, address }, timeMs);

const redisFields = [
  'total_commands_processed',
  'instantaneous_ops_per_sec',
  'used_memory',
  'maxmemory',
  'keyspace_hits',
  'keyspace_misses',
];

/** INFO with the fields and tags of `inputs.redis`. */
export const redisSource =
  (redis: Redis): Source =>
  async (timeMs) => {
    const info = await redis.info();
    const text = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
    const fields = Object.fromEntries([
      ...redisFields.map((name) => [name, Number(text(name))]),
      ['clients', Number(text('connected_clients'))],
    ]) as Record<string, number>;
    const tags = { server: 'redis', port: String(redis.options.port) };
    return [{ measurement: 'redis', tags: { ...tags, replication_role: text('role') }, fields, timeMs }];
  };

const databaseFields = [
  'queries',
  'threads_connected',
  'threads_running',
  'innodb_rows_inserted',
  'innodb_row_lock_time',
  'bytes_sent',
];

/** Global status variables, with the names of `inputs.mysql` (`metric_version = 2`). */
export const databaseSource =
  (connection: Connection): Source =>
  async (timeMs) => {
    const list = databaseFields.map((name) => `'${name}'`).join(', ');
    const rows = (await connection.query(`SHOW GLOBAL STATUS WHERE LOWER(Variable_name) IN (${list})`)) as {
      Variable_name: string;
      Value: string;
    }[];
    const fields = Object.fromEntries(
      rows.map((row) => [row.Variable_name.toLowerCase(), Number(row.Value)]),
    );
    return [{ measurement: 'mysql', tags: { server: 'database' }, fields, timeMs }];
  };

export const connectDatabase = (url: string): Promise<Connection> => {
  const { hostname, port, username, password, pathname } = new URL(url);
  return createConnection({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  });
};
